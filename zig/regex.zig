//! Regular expressions: whether a pattern matches somewhere in a text, as Python's
//! `re.search(pattern, text) is not None`, in time linear in the text whatever the pattern.
//!
//! A pattern is compiled to the program of a machine that is in several places at once (Thompson).
//! What sets of places it comes to is found out while texts are searched and kept in a `Scratch`, so
//! that nearly always a character is one step from row to row of a table. The memory for that is
//! fixed: when it is full, all rows are forgotten.
//!
//! Characters are told apart only as far as the pattern tells them apart: they are numbered by
//! `Regex.symbolAt`, and those that are in the same sets have the same number, their symbol. The end
//! of the text is a symbol, too, and so is a newline just before it, because `$` matches there. A row
//! is left with the next symbol known, which is all that `$` and `\b` have to know.

const std = @import("std");
const parsing = @import("regex_parser.zig");
const scan = @import("scan.zig");
const utf8 = @import("utf8.zig");

const Allocator = std.mem.Allocator;
const Arena = std.heap.ArenaAllocator;
const Bits = std.DynamicBitSetUnmanaged;

pub const Failure = parsing.Failure;
const Error = parsing.Error;
const Instruction = parsing.Instruction;
const Range = parsing.Range;
const isIn = parsing.isIn;
const words = parsing.words;

/// The first rows, which are always there: what is not known yet, and the two ends.
const unknown = 0;
const match = 1;
const dead = 2;
/// The machine is at its beginning only, behind no word character or behind one.
const rest = 3;
const start = 5;
const first_row = 6;

pub const Regex = struct {
    arena: Arena.State,
    program: []const Instruction,
    /// For each set of the program and each symbol, whether the set has it.
    has: Bits,
    /// The set of word characters, if it matters where words begin and end.
    word_set: ?usize,
    /// Whether it can match at the start of a text only.
    is_anchored: bool,
    /// What every match begins with; where that is all of the pattern, searching for it is enough.
    literal: []const u8,
    is_literal: bool,
    /// Ranges of bytes that every match begins with; none where that would be too many.
    firsts: []const [2]u8,
    /// The symbol of each character below 0x800, which is one or two bytes.
    near: *const [0x800]u16,
    /// Where each run of characters with the same symbol begins, and that symbol.
    starts: []const u21,
    far: []const u16,
    /// How many symbols there are. The last two are the newline before the end, and the end.
    stride: u32,

    pub fn compile(gpa: Allocator, pattern: []const u8, failure: *Failure) Error!Regex {
        var work_arena: Arena = .init(gpa);
        defer work_arena.deinit();
        const work = work_arena.allocator();
        var parser: parsing.Parser = .{ .arena = work, .pattern = pattern, .failure = failure };
        try parser.parse();

        var kept_arena: Arena = .init(gpa);
        errdefer kept_arena.deinit();
        const kept = kept_arena.allocator();
        var self: Regex = undefined;
        self.program = try kept.dupe(Instruction, parser.program.items);
        self.word_set = for (self.program) |instruction| {
            if (instruction == .assertion and (instruction.assertion == .boundary or instruction.assertion == .no_boundary)) break parser.sets.items.len;
        } else null;
        if (self.word_set != null) try parser.sets.append(work, &words);
        const sets = parser.sets.items;
        try self.findSymbols(work, kept, sets);
        try self.findLiteral(kept, sets);
        try self.findFirsts(work, kept, sets);
        self.arena = kept_arena.state;
        return self;
    }

    pub fn deinit(self: *Regex, gpa: Allocator) void {
        self.arena.promote(gpa).deinit();
        self.* = undefined;
    }

    /// Part all characters until each part is inside a set or outside as a whole.
    fn findSymbols(self: *Regex, work: Allocator, kept: Allocator, sets: []const []const Range) Error!void {
        var edges: std.ArrayList(u21) = .empty;
        try edges.append(work, 0);
        for (sets) |set| for (set) |range| try edges.appendSlice(work, &.{ range.low, range.high + 1 });
        std.sort.heap(u21, edges.items, {}, std.sort.asc(u21));
        var count: usize = 1;
        for (edges.items) |edge| if (edge > edges.items[count - 1]) {
            edges.items[count] = edge;
            count += 1;
        };
        const starts = try kept.dupe(u21, edges.items[0..count]);

        const parts = try work.alloc(u32, count);
        @memset(parts, 0);
        var next_part: u32 = 1;
        var inside: std.AutoHashMapUnmanaged(u32, u32) = .empty;
        for (sets) |set| {
            // What is inside of a part becomes another.
            inside.clearRetainingCapacity();
            for (set) |range| {
                var at = std.sort.lowerBound(u21, starts, range.low, order);
                while (at < count and starts[at] <= range.high) : (at += 1) {
                    const entry = try inside.getOrPut(work, parts[at]);
                    if (!entry.found_existing) {
                        entry.value_ptr.* = next_part;
                        next_part += 1;
                    }
                    parts[at] = entry.value_ptr.*;
                }
            }
        }

        // Number the parts that have remained.
        var numbers: std.AutoHashMapUnmanaged(u32, u16) = .empty;
        var examples: std.ArrayList(u21) = .empty;
        const far = try kept.alloc(u16, count);
        for (far, parts, starts) |*symbol, part, character| {
            const entry = try numbers.getOrPut(work, part);
            if (!entry.found_existing) {
                entry.value_ptr.* = @intCast(examples.items.len);
                try examples.append(work, character);
            }
            symbol.* = entry.value_ptr.*;
        }
        try examples.append(work, '\n');
        // The end is in no set.
        self.stride = @intCast(examples.items.len + 1);
        self.has = try .initEmpty(kept, sets.len * self.stride);
        for (sets, 0..) |set, number| for (examples.items, 0..) |character, symbol| {
            if (isIn(set, character)) self.has.set(number * self.stride + symbol);
        };
        self.starts = starts;
        self.far = far;
        const near = try kept.create([0x800]u16);
        for (near, 0..) |*symbol, character| symbol.* = self.symbolOf(@intCast(character));
        self.near = near;
    }

    fn order(wanted: u21, character: u21) std.math.Order {
        return std.math.order(wanted, character);
    }

    fn symbolOf(self: *const Regex, character: u21) u16 {
        return self.far[std.sort.upperBound(u21, self.starts, character, order) - 1];
    }

    /// Follow the program until there is a choice. Assertions are taken to hold: what is found is
    /// necessary, and enough if there are none but at the start.
    fn findLiteral(self: *Regex, kept: Allocator, sets: []const []const Range) Error!void {
        var literal: std.ArrayList(u8) = .empty;
        var is_enough = true;
        const last = for (self.program) |instruction| switch (instruction) {
            .assertion => |assertion| is_enough = is_enough and assertion == .start and literal.items.len == 0,
            .character => |number| {
                const set = sets[number];
                if (set.len != 1 or set[0].low != set[0].high) break instruction;
                var bytes: [4]u8 = undefined;
                // Half of a surrogate pair is in no text.
                const length = std.unicode.utf8Encode(set[0].low, &bytes) catch break instruction;
                try literal.appendSlice(kept, bytes[0..length]);
            },
            .split, .jump, .match => break instruction,
        } else unreachable;
        self.literal = literal.items;
        self.is_literal = is_enough and last == .match;
    }

    fn findFirsts(self: *Regex, work: Allocator, kept: Allocator, sets: []const []const Range) Error!void {
        const behind = try self.reach(work, false);
        self.is_anchored = for (self.program, 0..) |instruction, place| {
            if (behind.isSet(place) and (instruction == .character or instruction == .match)) break false;
        } else true;
        self.firsts = &.{};
        const reached = try self.reach(work, true);
        var is_first: [256]bool = @splat(false);
        for (self.program, 0..) |instruction, place| if (reached.isSet(place)) switch (instruction) {
            .match => return,
            .character => |number| for (sets[number]) |range| @memset(is_first[leadOf(range.low) .. @as(usize, leadOf(range.high)) + 1], true),
            else => {},
        };
        // Bytes that no character begins with have come in between.
        @memset(is_first[0x80..0xc0], false);
        // What most bytes belong to is no use; what has many parts takes long to look for.
        if (std.mem.count(bool, is_first[0..0x80], &.{true}) > 32) return;
        var ranges = try runsOf(kept, &is_first);
        if (ranges.len > 3) {
            @memset(is_first[0xc0..], true);
            ranges = try runsOf(kept, &is_first);
        }
        if (ranges.len <= 3) self.firsts = ranges;
    }

    fn runsOf(kept: Allocator, is_first: *const [256]bool) Error![]const [2]u8 {
        var runs: std.ArrayList([2]u8) = .empty;
        for (is_first, 0..) |is_one, number| if (is_one) {
            const byte: u8 = @intCast(number);
            if (number > 0 and is_first[number - 1]) runs.items[runs.items.len - 1][1] = byte else try runs.append(kept, .{ byte, byte });
        };
        return runs.items;
    }

    /// The first byte of a character.
    fn leadOf(character: u21) u8 {
        if (character < 0x80) return @intCast(character);
        if (character < 0x800) return @intCast(0xc0 | character >> 6);
        if (character < 0x10000) return @intCast(0xe0 | character >> 12);
        return @intCast(0xf0 | character >> 18);
    }

    /// The places that the machine comes to without a character, if assertions hold.
    fn reach(self: *const Regex, work: Allocator, is_start: bool) Error!Bits {
        var reached: Bits = try .initEmpty(work, self.program.len);
        var todo: std.ArrayList(u16) = .empty;
        try todo.append(work, 0);
        while (todo.pop()) |place| {
            if (reached.isSet(place)) continue;
            reached.set(place);
            switch (self.program[place]) {
                .character, .match => {},
                .assertion => |assertion| if (is_start or assertion != .start) try todo.append(work, place + 1),
                .split => |distance| try todo.appendSlice(work, &.{ elsewhere(place, distance), place + 1 }),
                .jump => |distance| try todo.append(work, elsewhere(place, distance)),
            }
        }
        return reached;
    }

    /// Whether the pattern matches somewhere in `text`. `scratch` is one of this pattern's, and in use
    /// by nobody else.
    pub fn search(self: *const Regex, scratch: *Scratch, text: []const u8) bool {
        if (self.is_anchored and !std.mem.startsWith(u8, text, self.literal)) return false;
        if (self.is_literal) return self.is_anchored or find(text, self.literal) != null;
        const stride = self.stride;
        const skips = !self.is_anchored and (self.literal.len > 0 or self.firsts.len > 0);
        const has_newline = text.len > 0 and text[text.len - 1] == '\n';
        const body = text[0 .. text.len - @intFromBool(has_newline)];
        var row = start * stride;
        var at: usize = 0;
        if (skips) {
            at = self.skip(text, 0) orelse return false;
            if (at > 0) row = self.restBehind(text[0..at]) * stride;
        }
        // The last of the rows that the loop has to stop for.
        const special = if (skips) (start - 1) * stride else dead * stride;
        while (at < body.len) {
            const symbol, const length = self.symbolAt(body[at..]);
            at += length;
            var next = scratch.rows[row + symbol];
            if (next <= special) {
                if (next == unknown) next = scratch.step(self, row, symbol);
                if (next == match * stride) return true;
                if (next == dead * stride) return false;
                if (skips and next <= special) {
                    const place = at;
                    at = self.skip(text, at) orelse return false;
                    if (at > place) next = self.restBehind(text[0..at]) * stride;
                }
            }
            row = next;
        }
        if (has_newline) row = scratch.go(self, row, stride - 2);
        return scratch.go(self, row, stride - 1) == match * stride;
    }

    /// Symbol and length of the first character. What is not UTF-8 gives some symbol.
    inline fn symbolAt(self: *const Regex, bytes: []const u8) struct { u16, usize } {
        if (bytes[0] < 0x80) return .{ self.near[bytes[0]], 1 };
        if (bytes[0] < 0xe0 and bytes.len > 1) return .{ self.near[@as(usize, bytes[0] & 0x1f) << 6 | (bytes[1] & 0x3f)], 2 };
        const decoded = decodeAny(bytes);
        return .{ self.symbolOf(decoded.character), decoded.length };
    }

    /// The row in which the machine is at its beginning behind `text`.
    fn restBehind(self: *const Regex, text: []const u8) u32 {
        if (self.word_set == null) return rest;
        var at = text.len - 1;
        while (at > 0 and text[at] & 0xc0 == 0x80) at -= 1;
        return rest + @as(u32, @intFromBool(self.isWord(self.symbolOf(decodeAny(text[at..]).character))));
    }

    fn isWord(self: *const Regex, symbol: u32) bool {
        return if (self.word_set) |set| self.has.isSet(set * self.stride + symbol) else false;
    }

    /// The next place from `from` on where a match may begin.
    fn skip(self: *const Regex, text: []const u8, from: usize) ?usize {
        const found = if (self.literal.len > 0) find(text[from..], self.literal) else findOfRanges(text[from..], self.firsts);
        return if (found) |at| from + at else null;
    }
};

fn decodeAny(bytes: []const u8) utf8.Decoded {
    const length: usize = if (bytes[0] < 0x80) 1 else if (bytes[0] < 0xe0) 2 else if (bytes[0] < 0xf0) 3 else 4;
    return if (length <= bytes.len) utf8.decode(bytes) else .{ .character = 0xfffd, .length = 1 };
}

fn elsewhere(place: u16, distance: i16) u16 {
    return @intCast(@as(i32, place) + distance);
}

const Block = @Vector(scan.lanes, u8);
const Hits = @Int(.unsigned, scan.lanes);

/// Where `wanted` is in `text`: its first and its last byte are looked for, a block at a time.
pub fn find(text: []const u8, wanted: []const u8) ?usize {
    if (wanted.len == 0) return 0;
    if (wanted.len > text.len) return null;
    const last = wanted.len - 1;
    const places = text.len - last;
    if (places < scan.lanes) {
        for (0..places) |at| if (text[at] == wanted[0] and std.mem.eql(u8, text[at..][0..wanted.len], wanted)) return at;
        return null;
    }
    var at: usize = 0;
    while (true) {
        const begins = @as(Block, text[at..][0..scan.lanes].*) == @as(Block, @splat(wanted[0]));
        const ends = @as(Block, text[at + last ..][0..scan.lanes].*) == @as(Block, @splat(wanted[last]));
        var hits = @as(Hits, @bitCast(begins)) & @as(Hits, @bitCast(ends));
        while (hits != 0) : (hits &= hits - 1) {
            const place = at + @ctz(hits);
            if (std.mem.eql(u8, text[place..][0..wanted.len], wanted)) return place;
        }
        if (at + scan.lanes == places) return null;
        // The last block overlaps the one before.
        at = @min(at + scan.lanes, places - scan.lanes);
    }
}

/// Where the first byte of one of the ranges is.
fn findOfRanges(text: []const u8, ranges: []const [2]u8) ?usize {
    var at: usize = 0;
    while (at + scan.lanes <= text.len) : (at += scan.lanes) {
        const block: Block = text[at..][0..scan.lanes].*;
        var hits: Hits = 0;
        for (ranges) |range| hits |= @bitCast(block -% @as(Block, @splat(range[0])) <= @as(Block, @splat(range[1] - range[0])));
        if (hits != 0) return at + @ctz(hits);
    }
    while (at < text.len) : (at += 1) {
        for (ranges) |range| if (text[at] -% range[0] <= range[1] - range[0]) return at;
    }
    return null;
}

// ---- what is found out while searching

/// The rows that the machine has come to, for one pattern and one thread.
pub const Scratch = struct {
    arena: Arena.State,
    /// For each row and symbol the next row, all of them as their first index in here.
    rows: []u32,
    states: []State,
    /// How many rows there are.
    count: u16 = 0,
    /// The places of each row, one row behind the other.
    places: []u16,
    places_used: usize = 0,
    /// For each hash the row that came last, 0 for none.
    buckets: []u16,
    seen: Bits,
    next: Bits,
    stack: []u16,
    stack_used: usize = 0,

    /// Where the machine is before assertions are looked at, in order.
    const State = struct { places: []const u16 = &.{}, is_start: bool = false, is_word: bool = false, before: u16 = 0 };

    pub fn init(gpa: Allocator, regex: *const Regex) error{OutOfMemory}!Scratch {
        var arena: Arena = .init(gpa);
        errdefer arena.deinit();
        const kept = arena.allocator();
        const stride = regex.stride;
        // Few rows are needed; those of a common pattern fit into the processor's nearest cache.
        const count = std.math.clamp(8192 / stride, 16, 512);
        const length = regex.program.len;
        var self: Scratch = .{
            .rows = try kept.alloc(u32, count * stride),
            .states = try kept.alloc(State, count),
            .places = try kept.alloc(u16, @max(4096, 2 * length)),
            .buckets = try kept.alloc(u16, 1024),
            .seen = try .initEmpty(kept, length),
            .next = try .initEmpty(kept, length),
            .stack = try kept.alloc(u16, length),
            .arena = undefined,
        };
        self.forget(stride);
        self.arena = arena.state;
        return self;
    }

    pub fn deinit(self: *Scratch, gpa: Allocator) void {
        self.arena.promote(gpa).deinit();
        self.* = undefined;
    }

    fn forget(self: *Scratch, stride: usize) void {
        @memset(self.rows[0 .. first_row * stride], unknown);
        @memset(self.states[0..first_row], .{});
        self.states[rest + 1].is_word = true;
        self.states[start].is_start = true;
        self.count = first_row;
        self.places_used = 0;
        @memset(self.buckets, 0);
    }

    inline fn go(self: *Scratch, regex: *const Regex, row: u32, symbol: u32) u32 {
        const next = self.rows[row + symbol];
        return if (next == unknown) self.step(regex, row, symbol) else next;
    }

    /// Find out where `symbol` leads.
    noinline fn step(self: *Scratch, regex: *const Regex, row: u32, symbol: u32) u32 {
        const stride = regex.stride;
        if (row <= dead * stride) return row;
        const is_word = regex.isWord(symbol);
        if (self.isMatch(regex, self.states[row / stride], symbol)) {
            self.rows[row + symbol] = match * stride;
            return match * stride;
        }
        var length: usize = 0;
        var places = self.next.iterator(.{});
        while (places.next()) |place| : (length += 1) self.stack[length] = @intCast(place);
        const next = self.known(regex, self.stack[0..length], is_word) orelse {
            if (self.count == self.states.len or self.places_used + length > self.places.len) {
                self.forget(stride);
                return self.append(stride, length, is_word) * stride;
            }
            self.rows[row + symbol] = self.append(stride, length, is_word) * stride;
            return self.rows[row + symbol];
        };
        self.rows[row + symbol] = next * stride;
        return next * stride;
    }

    /// Whether there is a match before `symbol`; if not, the places behind it are in `next`.
    fn isMatch(self: *Scratch, regex: *const Regex, before: State, symbol: u32) bool {
        const is_word = regex.isWord(symbol);
        self.seen.unsetAll();
        self.next.unsetAll();
        self.stack_used = 0;
        for (before.places) |place| self.push(place);
        // A match may begin anywhere.
        if (before.is_start or !regex.is_anchored) self.push(0);
        while (self.stack_used > 0) {
            self.stack_used -= 1;
            const place = self.stack[self.stack_used];
            switch (regex.program[place]) {
                .match => return true,
                .character => |set| if (regex.has.isSet(set * regex.stride + symbol)) self.next.set(place + 1),
                .jump => |distance| self.push(elsewhere(place, distance)),
                .split => |distance| {
                    self.push(elsewhere(place, distance));
                    self.push(place + 1);
                },
                .assertion => |assertion| if (switch (assertion) {
                    .start => before.is_start,
                    .end => symbol == regex.stride - 1,
                    .line_end => symbol >= regex.stride - 2,
                    .boundary => before.is_word != is_word,
                    .no_boundary => before.is_word == is_word,
                }) self.push(place + 1),
            }
        }
        return false;
    }

    fn push(self: *Scratch, place: u16) void {
        if (self.seen.isSet(place)) return;
        self.seen.set(place);
        self.stack[self.stack_used] = place;
        self.stack_used += 1;
    }

    /// The row that is for these places.
    fn known(self: *const Scratch, regex: *const Regex, places: []const u16, is_word: bool) ?u32 {
        if (places.len == 0) return if (regex.is_anchored) dead else rest + @as(u32, @intFromBool(is_word));
        var row = self.buckets[self.bucketOf(places)];
        while (row != 0) : (row = self.states[row].before) {
            if (self.states[row].is_word == is_word and std.mem.eql(u16, self.states[row].places, places)) return row;
        }
        return null;
    }

    /// A row for the first places in `stack`.
    fn append(self: *Scratch, stride: u32, length: usize, is_word: bool) u32 {
        const places = self.places[self.places_used..][0..length];
        @memcpy(places, self.stack[0..length]);
        self.places_used += length;
        const row = self.count;
        self.count += 1;
        const bucket = self.bucketOf(places);
        self.states[row] = .{ .places = places, .is_word = is_word, .before = self.buckets[bucket] };
        self.buckets[bucket] = row;
        @memset(self.rows[row * stride ..][0..stride], unknown);
        return row;
    }

    fn bucketOf(self: *const Scratch, places: []const u16) usize {
        return @intCast(std.hash.Wyhash.hash(0, std.mem.sliceAsBytes(places)) % self.buckets.len);
    }
};

// ---- tests

fn expectMatch(is_expected: bool, pattern: []const u8, text: []const u8) !void {
    const gpa = std.testing.allocator;
    var failure: Failure = .{};
    var regex: Regex = try .compile(gpa, pattern, &failure);
    defer regex.deinit(gpa);
    var scratch: Scratch = try .init(gpa, &regex);
    defer scratch.deinit(gpa);
    // The second time the rows are known.
    for (0..2) |_| if (regex.search(&scratch, text) != is_expected) {
        std.debug.print("{s} in {s}\n", .{ pattern, text });
        return error.TestUnexpectedResult;
    };
}

test "patterns match where Python's do" {
    inline for (.{
        .{ "", "", "a" },
        .{ "Geolog", "Geolog", "On Geology." },
        .{ "^Geol", "Geol", "Geology" },
        .{ "logy$", "Geology", "Geology\n" },
        .{ "a|bc|", "", "x" },
        .{ "^(?:ab|c)+$", "abcab", "c" },
        .{ "^(a|b)*?c{2}$", "abbcc", "cc" },
        .{ "^a{2,3}$", "aa", "aaa" },
        .{ "^a{,2}$", "", "aa\n" },
        .{ "^a{1,}b{0}$", "a", "aaaa" },
        .{ "^x{,}{}{a}{1$", "{}{a}{1", "xx{}{a}{1" },
        .{ "^[]a-c-]+$", "]-", "abc" },
        .{ "^[^]\\W]$", "a", "\u{e9}" },
        .{ "\\bcat\\b", "cat", "a cat.\n" },
        .{ "\\bcat\\b", "\u{4e2d} cat\u{2014}", "-cat\u{301}" },
        .{ "\\Bcat", "concat", "\u{4e2d}cat" },
        .{ "^\\d\\s\\w\\D\\S\\W$", "1 a.b ", "\u{663}\u{a0}\u{e9}\u{e9}\u{e9}\u{301}" },
        .{ "^.$", "\u{1f600}", "\u{e9}\n" },
        .{ "^\\u00e9\\x41\\U0001f600\\.\\\n$", "\u{e9}A\u{1f600}.\n", "\u{e9}A\u{1f600}.\n\n" },
        .{ "a\\n", "a\n", "xa\nb" },
        .{ "(?i)^[k-m]stra\u{df}e$", "\u{212a}\u{17f}TRA\u{1e9e}E", "lstra\u{df}E" },
        .{ "(?i)\u{3c3}\u{438}[^a]$", "\u{3c2}\u{418}B", "\u{3a3}\u{438}\u{e4}" },
        .{ "(x+x+)+y", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxy", "xxy" },
    }) |case| {
        try expectMatch(true, case[0], case[1]);
        try expectMatch(true, case[0], case[2]);
    }
    inline for (.{
        .{ "Geolog", "geology" },
        .{ "^Geol", "A Geol" },
        .{ "logy$", "logy\n\n" },
        .{ "logy\\Z", "logy\n" },
        .{ "^a{2,3}$", "aaaa" },
        .{ "a.b", "a\nb" },
        .{ "\\bcat\\b", "\u{e9}cat cat\u{4e2d}" },
        .{ "\\Bcat", "a cat" },
        .{ "(?i)[^a]", "aA" },
        .{ "\\ud800", "\u{fffd}" },
        .{ "a\\nb", "a\n" },
        .{ "[^\\w\\W]", "a-\n" },
    }) |case| try expectMatch(false, case[0], case[1]);
}

test "what is wrong with a pattern, and where" {
    inline for (.{
        .{ "a**", 1 },    .{ "ab)", 2 },              .{ "a(b", 1 },      .{ "+", 0 },                          .{ "a|*", 2 },
        .{ "^*", 1 },     .{ "\\b+", 2 },             .{ "a{2,1}", 1 },   .{ "a{2}{3}", 1 },                    .{ "a++", 2 },
        .{ "[a", 0 },     .{ "[]", 0 },               .{ "[z-a]", 1 },    .{ "[\\d-z]", 1 },                    .{ "x\\", 1 },
        .{ "\\x4", 0 },   .{ "\\U00110000", 0 },      .{ "(a)\\1", 3 },   .{ "\\q", 0 },                        .{ "[\\B]", 1 },
        .{ "a(?=b)", 1 }, .{ "(?P<a>b)", 0 },         .{ "(?m)a", 0 },    .{ "a(?i)", 1 },                      .{ "\\N{DIGIT ONE}", 0 },
        .{ "a\xff", 1 },  .{ "(?:a{100}){100}", 15 }, .{ "a{10001}", 1 }, .{ &@as([100]u8, @splat('(')), 100 }, .{ &@as([1001]u8, @splat('a')), 1000 },
    }) |case| {
        var failure: Failure = .{};
        try std.testing.expectError(error.Invalid, Regex.compile(std.testing.allocator, case[0], &failure));
        try std.testing.expectEqual(@as(usize, case[1]), failure.offset);
        try std.testing.expect(failure.message.len > 0);
    }
}

test "rows are forgotten when there are too many, and time stays linear" {
    const gpa = std.testing.allocator;
    var failure: Failure = .{};
    var regex: Regex = try .compile(gpa, "a[ab]{11}c", &failure);
    defer regex.deinit(gpa);
    var scratch: Scratch = try .init(gpa, &regex);
    defer scratch.deinit(gpa);
    var text: [20_000]u8 = undefined;
    var random: std.Random.DefaultPrng = .init(1);
    for (&text) |*byte| byte.* = if (random.random().boolean()) 'a' else 'b';
    try std.testing.expect(!regex.search(&scratch, &text));
    for ([_]u8{ 'a', 'b' }, [_]bool{ true, false }) |byte, is_match| {
        @memcpy(text[9_000..9_013], "aaaaaaaaaaaac");
        text[9_000] = byte;
        try std.testing.expectEqual(is_match, regex.search(&scratch, &text));
    }
}

test "memory may run out at any time" {
    try std.testing.checkAllAllocationFailures(std.testing.allocator, struct {
        fn run(gpa: Allocator) !void {
            var failure: Failure = .{};
            var regex: Regex = try .compile(gpa, "(?i)\\b(?:Geo|[a-f\\d]{3})+$", &failure);
            defer regex.deinit(gpa);
            var scratch: Scratch = try .init(gpa, &regex);
            defer scratch.deinit(gpa);
            try std.testing.expect(regex.search(&scratch, "a geogEO12f"[0..10]) == false);
        }
    }.run, .{});
}

test "texts are found wherever they stand" {
    var bytes: [70]u8 = @splat('x');
    for (0..bytes.len) |length| for (0..length + 1) |at| {
        const text = bytes[0..length];
        inline for (.{ "a", "ab", "axb", "axxxxxxxxxxxxxxxxb" }) |wanted| if (at + wanted.len <= length) {
            try std.testing.expectEqual(null, find(text, wanted));
            @memcpy(text[at..][0..wanted.len], wanted);
            try std.testing.expectEqual(at, find(text, wanted));
            try std.testing.expectEqual(at, findOfRanges(text, &.{ .{ '0', '9' }, .{ 'a', 'b' } }));
            @memset(text, 'x');
        };
    };
}
