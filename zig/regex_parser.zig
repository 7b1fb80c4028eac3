//! Reads a regular expression and makes of it a program for `regex.zig`.
//!
//! It is what Python's `re` reads, as far as that can be answered in linear time and with yes or no:
//!
//! - characters, `.`, sets as `[a-z]` and `[^a-z]`, groups `( )` and `(?: )`, `|`;
//! - `*`, `+`, `?`, `{m}`, `{m,}`, `{m,n}`, `{,n}`, and the same with a `?` behind it;
//! - `^` and `\A`, `$`, `\Z`, `\b`, `\B` (where Python before 3.14 has it that `\B` is not in an
//!   empty text, it is here, as since then);
//! - `\d`, `\w` and `\s` with their opposites, for all of Unicode;
//! - `\a \f \n \r \t \v \xHH \uHHHH \UHHHHHHHH`, and `\` with what is neither letter nor digit in ASCII;
//! - `(?i)` at the front. Ignored is the case of Latin (with its extensions A, B, C and Additional, and
//!   full-width), Greek, Cyrillic and Armenian: the blocks in `make_tables.py`.
//!
//! Other flags, names, references, octal numbers, conditions, comments, looking ahead and behind, and
//! what does not give back what it has taken are not supported; nor are patterns that are too large.

const std = @import("std");
const tables = @import("regex_tables.zig");
const utf8 = @import("utf8.zig");

const Allocator = std.mem.Allocator;

const pattern_max = 1000;
const program_max = 10_000;
const depth_max = 100;
const character_max = 0x10ffff;

/// What is wrong with a pattern, and the byte of it where that is.
pub const Failure = struct { offset: usize = 0, message: []const u8 = "" };

pub const Error = error{ OutOfMemory, Invalid };

pub const Range = struct { low: u21, high: u21 };

const digits = rangesOf(&tables.digits);
pub const words = rangesOf(&tables.words);
const spaces = rangesOf(&tables.spaces);

fn rangesOf(comptime table: []const u21) [table.len / 2]Range {
    @setEvalBranchQuota(10_000);
    var ranges: [table.len / 2]Range = undefined;
    for (&ranges, 0..) |*range, index| range.* = .{ .low = table[2 * index], .high = table[2 * index + 1] };
    return ranges;
}

pub const Assertion = enum { start, end, line_end, boundary, no_boundary };

/// Where the way goes on elsewhere, that is told as a distance, so that code can be moved and copied.
pub const Instruction = union(enum) {
    /// A character of the set with this number.
    character: u16,
    assertion: Assertion,
    /// Both at the next one and elsewhere.
    split: i16,
    jump: i16,
    match,
};

const Category = enum { digits, other_than_digits, words, other_than_words, spaces, other_than_spaces };
const Escape = union(enum) { character: u21, category: Category, assertion: Assertion };
const Repetition = struct { min: u32, max: ?u32 };

pub const Parser = struct {
    arena: Allocator,
    pattern: []const u8,
    failure: *Failure,
    at: usize = 0,
    depth: usize = 0,
    ignores_case: bool = false,
    program: std.ArrayList(Instruction) = .empty,
    sets: std.ArrayList([]const Range) = .empty,
    /// The set that is being made.
    ranges: std.ArrayList(Range) = .empty,

    fn fail(self: *Parser, offset: usize, message: []const u8) error{Invalid} {
        self.failure.* = .{ .offset = offset, .message = message };
        return error.Invalid;
    }

    pub fn parse(self: *Parser) Error!void {
        if (self.pattern.len > pattern_max) return self.fail(pattern_max, "the pattern is longer than 1,000 bytes");
        if (utf8.indexOfInvalid(self.pattern)) |at| return self.fail(at, "not UTF-8");
        if (self.takes("(?i)")) self.ignores_case = true;
        try self.alternatives();
        if (self.at < self.pattern.len) return self.fail(self.at, "no parenthesis is open");
        try self.emit(.match);
    }

    fn peek(self: *const Parser) u8 {
        return if (self.at < self.pattern.len) self.pattern[self.at] else 0;
    }

    fn takes(self: *Parser, text: []const u8) bool {
        if (!std.mem.startsWith(u8, self.pattern[self.at..], text)) return false;
        self.at += text.len;
        return true;
    }

    fn takeCharacter(self: *Parser) u21 {
        const decoded = utf8.decode(self.pattern[self.at..]);
        self.at += decoded.length;
        return decoded.character;
    }

    fn emit(self: *Parser, instruction: Instruction) Error!void {
        return self.insert(self.program.items.len, instruction);
    }

    fn insert(self: *Parser, place: usize, instruction: Instruction) Error!void {
        try self.reserve(1);
        self.program.insertAssumeCapacity(place, instruction);
    }

    fn reserve(self: *Parser, count: usize) Error!void {
        if (self.program.items.len + count > program_max) return self.fail(self.at, "the pattern is too large with its repetitions");
        try self.program.ensureUnusedCapacity(self.arena, count);
    }

    fn alternatives(self: *Parser) Error!void {
        if (self.depth == depth_max) return self.fail(self.at, "nested more than 100 deep");
        self.depth += 1;
        defer self.depth -= 1;
        var begin = self.program.items.len;
        // Until it is known where all alternatives end, a jump holds the way back to the one before.
        var last_jump: ?usize = null;
        while (true) {
            while (self.at < self.pattern.len and self.peek() != '|' and self.peek() != ')') try self.piece();
            if (!self.takes("|")) break;
            try self.insert(begin, .{ .split = @intCast(self.program.items.len - begin + 2) });
            const place = self.program.items.len;
            try self.emit(.{ .jump = @intCast(if (last_jump) |last| place - last else 0) });
            last_jump = place;
            begin = place + 1;
        }
        while (last_jump) |place| {
            const back: usize = @intCast(self.program.items[place].jump);
            self.program.items[place].jump = @intCast(self.program.items.len - place);
            last_jump = if (back > 0) place - back else null;
        }
    }

    /// One character, set, group or assertion, and how often.
    fn piece(self: *Parser) Error!void {
        const begin = self.program.items.len;
        const is_repeatable = try self.atom();
        const place = self.at;
        const repetition = try self.takeRepetition() orelse return;
        if (!is_repeatable) return self.fail(place, "nothing to repeat");
        // Lazily or not, it is found or is not.
        _ = self.takes("?");
        if (self.peek() == '+') return self.fail(self.at, "possessive repetition is not supported");
        if (try self.takeRepetition() != null) return self.fail(place, "a repetition of a repetition");
        try self.repeat(begin, repetition);
    }

    /// Whether what was read can be repeated.
    fn atom(self: *Parser) Error!bool {
        const place = self.at;
        if (self.peek() == '{' and try self.takeRepetition() != null) return self.fail(place, "nothing to repeat");
        switch (self.peek()) {
            '*', '+', '?' => return self.fail(place, "nothing to repeat"),
            '(' => {
                self.at += 1;
                if (!self.takes("?:") and self.peek() == '?') return self.fail(place, "this kind of group or flag is not supported here");
                try self.alternatives();
                if (!self.takes(")")) return self.fail(place, "a parenthesis that is not closed");
            },
            '[' => try self.set(),
            '^', '$' => |byte| {
                self.at += 1;
                try self.emit(.{ .assertion = if (byte == '^') .start else .line_end });
                return false;
            },
            else => {
                self.ranges.clearRetainingCapacity();
                if (self.takes(".")) {
                    try self.add('\n', '\n');
                    try self.emitSet(.empty, true);
                } else switch (try self.item(false)) {
                    .assertion => |assertion| {
                        try self.emit(.{ .assertion = assertion });
                        return false;
                    },
                    .character => |character| {
                        try self.add(character, character);
                        try self.emitSet(.empty, false);
                    },
                    .category => |category| try self.emitSet(.initOne(category), false),
                }
            },
        }
        return true;
    }

    /// A repetition, if there is one: `{` may stand for itself.
    fn takeRepetition(self: *Parser) Error!?Repetition {
        if (self.takes("*")) return .{ .min = 0, .max = null };
        if (self.takes("+")) return .{ .min = 1, .max = null };
        if (self.takes("?")) return .{ .min = 0, .max = 1 };
        const place = self.at;
        if (!self.takes("{")) return null;
        const min = self.takeNumber();
        const max = if (self.takes(",")) self.takeNumber() else min orelse {
            self.at = place;
            return null;
        };
        if (!self.takes("}")) {
            self.at = place;
            return null;
        }
        if (@max(min orelse 0, max orelse 0) > program_max) return self.fail(place, "repeated too often");
        if (max != null and max.? < min orelse 0) return self.fail(place, "at least more often than at most");
        return .{ .min = min orelse 0, .max = max };
    }

    fn takeNumber(self: *Parser) ?u32 {
        const place = self.at;
        var number: u32 = 0;
        while (std.ascii.isDigit(self.peek())) : (self.at += 1) number = number *| 10 +| (self.peek() - '0');
        return if (self.at > place) number else null;
    }

    /// Repeat the code from `begin` on.
    fn repeat(self: *Parser, begin: usize, repetition: Repetition) Error!void {
        const length = self.program.items.len - begin;
        const min = repetition.min;
        // Nothing is nothing, however often.
        if (length == 0) return;
        if (repetition.max == 0) return self.program.shrinkRetainingCapacity(begin);
        const all = min * length + if (repetition.max) |max| (max - min) * (length + 1) else if (min == 0) length + 2 else 1;
        try self.reserve(all - length);
        const body = begin + @intFromBool(min == 0);
        if (min == 0) self.program.insertAssumeCapacity(begin, undefined);
        for (1..@max(min, 1)) |_| self.program.appendSliceAssumeCapacity(self.program.items[body..][0..length]);
        const distance: i16 = @intCast(length);
        const max = repetition.max orelse {
            if (min > 0) return self.program.appendAssumeCapacity(.{ .split = -distance });
            self.program.items[begin] = .{ .split = distance + 2 };
            return self.program.appendAssumeCapacity(.{ .jump = -distance - 1 });
        };
        for (min..max) |count| {
            // Without this one there is none of those behind it either.
            const split: Instruction = .{ .split = @intCast((max - count) * (length + 1)) };
            if (count == 0) {
                self.program.items[begin] = split;
            } else {
                self.program.appendAssumeCapacity(split);
                self.program.appendSliceAssumeCapacity(self.program.items[body..][0..length]);
            }
        }
    }

    /// A character, or what a backslash makes of it.
    fn item(self: *Parser, in_set: bool) Error!Escape {
        const place = self.at;
        if (!self.takes("\\")) return .{ .character = self.takeCharacter() };
        if (self.at == self.pattern.len) return self.fail(place, "nothing behind a backslash");
        const character = self.takeCharacter();
        switch (character) {
            't' => return .{ .character = '\t' },
            'n' => return .{ .character = '\n' },
            'r' => return .{ .character = '\r' },
            'a' => return .{ .character = 0x07 },
            'v' => return .{ .character = 0x0b },
            'f' => return .{ .character = 0x0c },
            'x' => return .{ .character = try self.takeHex(place, 2) },
            'u' => return .{ .character = try self.takeHex(place, 4) },
            'U' => return .{ .character = try self.takeHex(place, 8) },
            'd' => return .{ .category = .digits },
            'D' => return .{ .category = .other_than_digits },
            'w' => return .{ .category = .words },
            'W' => return .{ .category = .other_than_words },
            's' => return .{ .category = .spaces },
            'S' => return .{ .category = .other_than_spaces },
            '0'...'9' => return self.fail(place, "references and octal numbers are not supported"),
            else => if (character >= 0x80 or !std.ascii.isAlphabetic(@intCast(character))) return .{ .character = character },
        }
        if (in_set) {
            if (character == 'b') return .{ .character = 0x08 };
        } else switch (character) {
            'b' => return .{ .assertion = .boundary },
            'B' => return .{ .assertion = .no_boundary },
            'A' => return .{ .assertion = .start },
            'Z' => return .{ .assertion = .end },
            else => {},
        }
        return self.fail(place, "a letter that means nothing behind a backslash");
    }

    fn takeHex(self: *Parser, place: usize, count: usize) Error!u21 {
        var number: u32 = 0;
        for (0..count) |_| {
            const digit = std.fmt.charToDigit(self.peek(), 16) catch return self.fail(place, "too few hexadecimal digits");
            number = number << 4 | digit;
            self.at += 1;
        }
        if (number > character_max) return self.fail(place, "no such character");
        return @intCast(number);
    }

    fn set(self: *Parser) Error!void {
        const place = self.at;
        self.at += 1;
        const is_negated = self.takes("^");
        const first = self.at;
        self.ranges.clearRetainingCapacity();
        var categories: std.EnumSet(Category) = .empty;
        while (self.at == first or self.peek() != ']') {
            if (self.at == self.pattern.len) return self.fail(place, "a set that is not closed");
            const begin = self.at;
            const low = try self.item(true);
            const is_range = self.peek() == '-' and self.at + 1 < self.pattern.len and self.pattern[self.at + 1] != ']';
            if (is_range) self.at += 1;
            const high = if (is_range) try self.item(true) else low;
            if (low == .character and high == .character and low.character <= high.character) {
                try self.add(low.character, high.character);
            } else if (!is_range) {
                categories.insert(low.category);
            } else return self.fail(begin, "a range that is none");
        }
        self.at += 1;
        try self.emitSet(categories, is_negated);
    }

    fn add(self: *Parser, low: u21, high: u21) Error!void {
        try self.ranges.append(self.arena, .{ .low = low, .high = high });
    }

    /// What is in none of these ranges.
    fn addOthers(self: *Parser, ranges: []const Range) Error!void {
        var low: u21 = 0;
        for (ranges) |range| {
            if (range.low > low) try self.add(low, range.low - 1);
            low = range.high + 1;
        }
        if (low <= character_max) try self.add(low, character_max);
    }

    /// One of the set of `ranges` and `categories`. Only ranges are folded, as in Python.
    fn emitSet(self: *Parser, categories: std.EnumSet(Category), is_negated: bool) Error!void {
        self.tidy();
        if (self.ignores_case) try self.fold();
        for (std.enums.values(Category)) |category| if (categories.contains(category)) switch (category) {
            .digits => try self.ranges.appendSlice(self.arena, &digits),
            .words => try self.ranges.appendSlice(self.arena, &words),
            .spaces => try self.ranges.appendSlice(self.arena, &spaces),
            .other_than_digits => try self.addOthers(&digits),
            .other_than_words => try self.addOthers(&words),
            .other_than_spaces => try self.addOthers(&spaces),
        };
        self.tidy();
        if (is_negated) {
            const ranges = try self.arena.dupe(Range, self.ranges.items);
            self.ranges.clearRetainingCapacity();
            try self.addOthers(ranges);
        }
        try self.emit(.{ .character = try self.numberOfSet() });
    }

    /// Ranges in order, none next to another.
    fn tidy(self: *Parser) void {
        const ranges = self.ranges.items;
        std.sort.heap(Range, ranges, {}, struct {
            fn isLess(_: void, one: Range, other: Range) bool {
                return one.low < other.low;
            }
        }.isLess);
        var count: usize = 0;
        for (ranges) |range| {
            if (count > 0 and range.low <= ranges[count - 1].high + 1) {
                ranges[count - 1].high = @max(ranges[count - 1].high, range.high);
            } else {
                ranges[count] = range;
                count += 1;
            }
        }
        self.ranges.shrinkRetainingCapacity(count);
    }

    /// Add what differs in its case only. Characters are linked in pairs, up to three of them in a row:
    /// a capital, its small letter, another small letter and the capital of that.
    fn fold(self: *Parser) Error!void {
        for (0..3) |_| {
            const known = self.ranges.items.len;
            for (tables.cases) |case| {
                var one = case.first;
                while (one <= case.last) : (one += case.step) {
                    const other: u21 = @intCast(@as(i32, one) + case.distance);
                    if (isIn(self.ranges.items[0..known], one)) try self.add(other, other);
                    if (isIn(self.ranges.items[0..known], other)) try self.add(one, one);
                }
            }
            self.tidy();
        }
    }

    fn numberOfSet(self: *Parser) Error!u16 {
        next: for (self.sets.items, 0..) |ranges, number| {
            if (ranges.len != self.ranges.items.len) continue;
            for (ranges, self.ranges.items) |one, other| if (!std.meta.eql(one, other)) continue :next;
            return @intCast(number);
        }
        try self.sets.append(self.arena, try self.arena.dupe(Range, self.ranges.items));
        return @intCast(self.sets.items.len - 1);
    }
};

pub fn isIn(ranges: []const Range, character: u21) bool {
    const at = std.sort.upperBound(Range, ranges, character, struct {
        fn order(wanted: u21, range: Range) std.math.Order {
            return std.math.order(wanted, range.low);
        }
    }.order);
    return at > 0 and character <= ranges[at - 1].high;
}
