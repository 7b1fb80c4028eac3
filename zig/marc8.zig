//! MARC-8 (MARC 21 Specifications, "Character Sets and Encoding Options: MARC-8") to Unicode and
//! back, one value at a time: each subfield begins with the default sets and ends in them.
//!
//! MARC-8 puts combining marks before their base, Unicode after it, and both keep the order among
//! several marks. Decoded text is in NFC. The halves of double-width marks decode to the half
//! marks U+FE20 to U+FE23; U+0361 and U+0360 are taken when encoding.

const std = @import("std");
const tables = @import("marc8_tables.zig");
const normalize = @import("normalize.zig");
const scan = @import("scan.zig");
const utf8 = @import("utf8.zig");
const record_module = @import("record.zig");
const problem_module = @import("problem.zig");
const Buffer = @import("buffer.zig").Buffer;
const Characters = normalize.Characters;
const Error = problem_module.Error;
const Problem = problem_module.Problem;
const Set = tables.Set;

const escape = 0x1b;
const ncr_digits_max = 6;

/// The ASCII bytes that do not stand for themselves.
const odd: scan.Class = .{ .others = "\x1b\x7f" };

/// What encoding does with a character that MARC-8 does not have.
pub const Unmappable = enum(u32) {
    /// Report it.
    @"error" = 0,
    /// Write `&#xXXXX;`, the lossless way of the specification.
    ncr = 1,
    /// Write the fill character `|`.
    fill = 2,
};

/// The set whose designating sequence ends in `final`.
pub fn setOf(final: u8) ?Set {
    const index = std.mem.indexOfScalar(u8, &tables.finals, final) orelse return null;
    return @fromBackingInt(@intCast(index));
}

pub fn finalOf(set: Set) u8 {
    return tables.finals[@backingInt(set)];
}

pub const Decoder = struct {
    gpa: std.mem.Allocator,
    /// The sets each value begins with: 066 $a and $b can say others.
    g0_default: Set = .ascii,
    g1_default: Set = .ansel,
    /// What stands for bytes that mean nothing; null reports them.
    replacement: ?u21 = null,
    /// Read `&#xXXXX;` as the character it names.
    references: bool = false,
    /// How many times `replacement` was used.
    replaced: u64 = 0,

    g0: Set = .ascii,
    g1: Set = .ansel,
    characters: Characters = .empty,
    marks: Characters = .empty,
    composed: Characters = .empty,

    pub fn deinit(self: *Decoder) void {
        self.characters.deinit(self.gpa);
        self.marks.deinit(self.gpa);
        self.composed.deinit(self.gpa);
        self.* = undefined;
    }

    /// Take the default sets from field 066 of a record, ASCII and ANSEL where it says nothing.
    pub fn setDefaults(self: *Decoder, field_066: ?[]const u8) void {
        self.g0_default = .ascii;
        self.g1_default = .ansel;
        var subfields: record_module.Subfields = .init(field_066 orelse return);
        while (subfields.next()) |subfield| {
            if (subfield.value.len == 0 or subfield.code.len == 0) continue;
            const set = setOf(subfield.value[subfield.value.len - 1]) orelse continue;
            switch (subfield.code[0]) {
                'a' => self.g0_default = set,
                'b' => self.g1_default = set,
                else => {},
            }
        }
    }

    /// Whether text is the same in MARC-8 and in UTF-8 by the default sets: ASCII, and no byte of it
    /// one that does not stand for itself.
    pub fn isPlain(self: *const Decoder, text: []const u8) bool {
        const not_plain: scan.Class = .{ .above = '~', .others = odd.others };
        return self.g0_default == .ascii and !self.references and scan.indexOf(not_plain, text) == text.len;
    }

    /// Decode a field's content, delimiters and indicators included. `offset` is where it stands
    /// in the record, for the error.
    pub fn decodeContent(self: *Decoder, out: *Buffer, content: []const u8, is_control: bool, offset: usize, problem: *Problem) Error!void {
        if (self.isPlain(content)) return out.append(content);
        if (is_control) return self.decode(out, content, offset, problem);
        var at = std.mem.indexOfScalar(u8, content, record_module.subfield_delimiter) orelse content.len;
        if (scan.indexOfHigh(content[0..at]) != at) {
            return problem.set(.indicators_invalid, offset, content[0..at], "the indicators are not ASCII", .{});
        }
        try out.append(content[0..at]);
        while (at < content.len) {
            const value_at = @min(at + 2, content.len);
            const end = std.mem.indexOfScalarPos(u8, content, at + 1, record_module.subfield_delimiter) orelse content.len;
            // A delimiter with nothing behind it has no code and no value.
            const start = @min(value_at, end);
            if (start == at + 2 and content[at + 1] >= 0x80) {
                return problem.set(.subfield_code_invalid, offset + at + 1, content[at + 1 .. start], "the subfield code is not ASCII", .{});
            }
            try out.append(content[at..start]);
            try self.decode(out, content[start..end], offset + start, problem);
            at = end;
        }
    }

    /// Decode one value and append it as UTF-8.
    pub fn decode(self: *Decoder, out: *Buffer, value: []const u8, offset: usize, problem: *Problem) Error!void {
        self.g0 = self.g0_default;
        self.g1 = self.g1_default;
        const plain = self.g0 == .ascii and !self.references;
        const head = if (plain) scan.indexOf(odd, value[0..scan.indexOfHigh(value)]) else 0;
        if (plain and head == value.len) return out.append(value);

        self.characters.clearRetainingCapacity();
        self.marks.clearRetainingCapacity();
        // The plain part before the first byte of note needs no table.
        for (value[0..head]) |byte| try self.characters.append(self.gpa, byte);
        var at = head;
        while (at < value.len) at += try self.step(value, at, offset, problem);
        // Marks that no base follows are kept where they stand.
        try self.characters.appendSlice(self.gpa, self.marks.items);
        try self.flush(out);
    }

    /// Take one code or escape sequence from `value[at..]` and return its length in bytes.
    fn step(self: *Decoder, value: []const u8, at: usize, offset: usize, problem: *Problem) Error!usize {
        const byte = value[at];
        if (byte == escape) {
            if (self.designate(value[at + 1 ..])) |length| return 1 + length;
            if (self.replacement != null) {
                // What it was meant to say is lost, but not that there was something.
                self.replaced += 1;
                try self.base(escape);
                return 1;
            }
            return self.invalid(value, at, 1, offset, problem, "an escape sequence that designates no known set");
        }
        if (byte <= ' ') {
            try self.base(byte);
            return 1;
        }
        // C1 control codes are the same whatever G1 holds: non-sorting marks and joiners.
        const is_c1 = byte >= 0x80 and byte < 0xa0;
        const set: Set = if (is_c1) .ansel else if (byte < 0x80) self.g0 else self.g1;
        if (set == .eacc) return self.stepEacc(value, at, offset, problem);
        if (self.references and byte == '&') if (reference(value[at..])) |found| {
            try self.base(found.character);
            return found.length;
        };
        const code: u7 = @truncate(byte);
        const character = tables.singles[@backingInt(set)][code];
        // A table's entries in its control area belong to C1, and only ANSEL has any.
        if (character == 0 or (code < 0x20 and !is_c1)) {
            return self.invalid(value, at, 1, offset, problem, "a byte that its character set does not have");
        }
        if (tables.combining[@backingInt(set)] >> code & 1 != 0) {
            try self.marks.append(self.gpa, character);
        } else {
            try self.base(character);
        }
        return 1;
    }

    fn stepEacc(self: *Decoder, value: []const u8, at: usize, offset: usize, problem: *Problem) Error!usize {
        const high = value[at] & 0x80;
        if (value.len - at < 3) {
            return self.invalid(value, at, value.len - at, offset, problem, "an East Asian character cut short: three bytes were expected");
        }
        var code: u24 = 0;
        var is_whole = true;
        var is_graphic = true;
        for (value[at..][0..3]) |byte| {
            is_whole = is_whole and byte & 0x80 == high;
            is_graphic = is_graphic and byte & 0x7f >= ' ' and byte & 0x7f < 0x7f;
            code = code << 8 | (byte & 0x7f);
        }
        // A few codes have a control character in them.
        if (is_whole) {
            if (eaccCharacter(code)) |character| {
                try self.base(character);
                return 3;
            }
        }
        if (is_whole and is_graphic) return self.invalid(value, at, 3, offset, problem, "a code that the East Asian set does not have");
        return self.invalid(value, at, 1, offset, problem, "an East Asian character cut short: three bytes were expected");
    }

    fn base(self: *Decoder, character: u32) Error!void {
        try self.characters.append(self.gpa, character);
        if (self.marks.items.len == 0) return;
        try self.characters.appendSlice(self.gpa, self.marks.items);
        self.marks.clearRetainingCapacity();
    }

    fn invalid(self: *Decoder, value: []const u8, at: usize, length: usize, offset: usize, problem: *Problem, comptime what: []const u8) Error!usize {
        const replacement = self.replacement orelse {
            const end = @min(value.len, at + @max(length, 4));
            return problem.set(.marc8_invalid, offset + at, value[at..end], "MARC-8: " ++ what, .{});
        };
        self.replaced += 1;
        try self.base(replacement);
        return length;
    }

    /// Obey the escape sequence whose bytes after ESC are `rest`: its length, or null.
    fn designate(self: *Decoder, rest: []const u8) ?usize {
        if (rest.len == 0) return null;
        switch (rest[0]) {
            // Technique 1: one byte for the special sets of G0.
            'g', 'b', 'p', 's' => |final| {
                self.g0 = if (final == 's') .ascii else setOf(final).?;
                return 1;
            },
            else => {},
        }
        // Technique 2: intermediates say how many bytes a character has and where the set goes.
        var at: usize = 0;
        const multibyte = rest[0] == '$';
        if (multibyte) at += 1;
        var to_g1 = false;
        if (at < rest.len) switch (rest[at]) {
            '(', ',' => at += 1,
            ')', '-' => {
                to_g1 = true;
                at += 1;
            },
            else => if (!multibyte) return null,
        };
        // ANSEL's final is two bytes, `!E`.
        if (at < rest.len and rest[at] == '!') at += 1;
        if (at >= rest.len) return null;
        const set = setOf(rest[at]) orelse return null;
        if ((set == .eacc) != multibyte) return null;
        if (to_g1) self.g1 = set else self.g0 = set;
        return at + 1;
    }

    fn flush(self: *Decoder, out: *Buffer) Error!void {
        var text = self.characters.items;
        for (text) |character| if (character >= normalize.mark_first) {
            self.composed.clearRetainingCapacity();
            try normalize.nfc(&self.composed, self.gpa, text);
            text = self.composed.items;
            break;
        };
        for (text) |character| try out.appendCharacter(@intCast(character));
    }
};

/// The character of an EACC code of three bytes, or null.
fn eaccCharacter(code: u24) ?u32 {
    const prefix: u16 = @intCast(code >> 8);
    const third: u8 = @truncate(code);
    const group = std.sort.binarySearch(u16, &tables.eacc_prefixes, prefix, orderOf(u16)) orelse return null;
    const start = tables.eacc_starts[group];
    const end = tables.eacc_starts[group + 1];
    const index = std.sort.binarySearch(u8, tables.eacc_thirds[start..end], third, orderOf(u8)) orelse return null;
    const character = tables.eacc_characters[start + index];
    if (character >= 0xd800 and character < 0xe000) return tables.eacc_astral[character - 0xd800];
    return character;
}

/// The codes of EACC by character: the tables for reading, turned round.
const EaccCodes = struct {
    /// Of each character up to U+FFFF the index in `tables.eacc_thirds` behind its code's, or 0; in
    /// the place of a surrogate that of the character in `tables.eacc_astral` that it stands for.
    behind: [0x10000]u16,

    fn fill(self: *EaccCodes) void {
        @memset(&self.behind, 0);
        for (tables.eacc_characters, 0..) |stored, index| {
            var character: u32 = stored;
            // Text is looked up in NFC, where a compatibility ideograph is the unified one.
            while (normalize.decompose(character)) |pair| {
                if (pair.second != 0) break;
                character = pair.first;
            }
            // Of several codes for one character the lowest is taken: plane 1 holds the forms to be preferred.
            if (character <= 0xffff and self.behind[character] == 0) self.behind[character] = @intCast(index + 1);
        }
    }

    fn codeOf(self: *const EaccCodes, character: u32) ?u24 {
        const place: usize = if (character > 0xffff)
            0xd800 + (std.mem.indexOfScalar(u32, &tables.eacc_astral, character) orelse return null)
        else
            character;
        const behind = self.behind[place];
        if (behind == 0) return null;
        const group = std.sort.upperBound(u16, &tables.eacc_starts, behind - 1, orderOf(u16)) - 1;
        return @as(u24, tables.eacc_prefixes[group]) << 8 | tables.eacc_thirds[behind - 1];
    }
};

fn orderOf(comptime T: type) fn (T, T) std.math.Order {
    return struct {
        fn order(left: T, right: T) std.math.Order {
            return std.math.order(left, right);
        }
    }.order;
}

/// A numeric character reference `&#xXXXX;` at the start of `bytes`.
fn reference(bytes: []const u8) ?struct { character: u32, length: usize } {
    if (!std.mem.startsWith(u8, bytes, "&#x")) return null;
    const digits_end = std.mem.indexOfScalarPos(u8, bytes[0..@min(bytes.len, 3 + ncr_digits_max + 1)], 3, ';') orelse return null;
    var character: u32 = 0;
    if (digits_end == 3) return null;
    for (bytes[3..digits_end]) |byte| {
        character = character << 4 | (std.fmt.charToDigit(byte, 16) catch return null);
    }
    // Delimiters and what is no character stay as they are written.
    if (character < 0x20 or character > 0x10ffff or (character >= 0xd800 and character < 0xe000)) return null;
    return .{ .character = character, .length = digits_end + 1 };
}

/// Where a character stands in MARC-8.
const Place = struct { set: Set, code: u24 };

pub const Encoder = struct {
    gpa: std.mem.Allocator,
    unmappable: Unmappable = .@"error",
    /// Write the fill character for U+FFFD, which stands where text could not be read, and for
    /// control characters that MARC-8 does not have.
    is_lenient: bool = false,
    /// Sets other than ASCII and ANSEL used since it was cleared: what 066 $c has to list.
    used: std.EnumSet(Set) = .empty,
    /// How many characters were written as references or fill characters.
    substituted: u64 = 0,

    g0: Set = .ascii,
    decoded: Characters = .empty,
    text: Characters = .empty,
    /// Second half of a double-width mark, owed to the next base.
    half_owed: ?u8 = null,
    /// Made when there is first a character to look for in it.
    eacc: ?*EaccCodes = null,

    pub fn deinit(self: *Encoder) void {
        if (self.eacc) |codes| self.gpa.destroy(codes);
        self.decoded.deinit(self.gpa);
        self.text.deinit(self.gpa);
        self.* = undefined;
    }

    /// Encode a field's content, valid UTF-8, delimiters and indicators included.
    pub fn encodeContent(self: *Encoder, out: *Buffer, content: []const u8, is_control: bool, problem: *Problem) Error!void {
        if (scan.indexOf(odd, content[0..scan.indexOfHigh(content)]) == content.len) return out.append(content);
        if (is_control) return self.encode(out, content, problem);
        var subfields: record_module.Subfields = .init(content);
        try self.encode(out, subfields.indicators, problem);
        while (subfields.next()) |subfield| {
            try out.byte(record_module.subfield_delimiter);
            if (!scan.isAscii(subfield.code)) {
                return problem.set(.subfield_code_invalid, 0, subfield.code, "a subfield code that is not ASCII cannot be written in MARC-8", .{});
            }
            try out.append(subfield.code);
            try self.encode(out, subfield.value, problem);
        }
    }

    /// Encode one value.
    pub fn encode(self: *Encoder, out: *Buffer, value: []const u8, problem: *Problem) Error!void {
        self.decoded.clearRetainingCapacity();
        self.text.clearRetainingCapacity();
        var at: usize = 0;
        while (at < value.len) {
            const next = utf8.decode(value[at..]);
            try self.decoded.append(self.gpa, next.character);
            at += next.length;
        }
        try normalize.nfc(&self.text, self.gpa, self.decoded.items);
        try self.makeCodes();
        self.g0 = .ascii;
        self.half_owed = null;

        const text = self.text.items;
        var start: usize = 0;
        while (start < text.len) {
            // A cluster is a base with its marks; a mark that begins a value has no base.
            var end = start + 1;
            while (end < text.len and !self.isBase(text[end])) end += 1;
            try self.encodeCluster(out, text[start..end], if (end < text.len) text[end] else null, problem);
            start = end;
        }
        if (self.g0 != .ascii) try self.switchTo(out, .ascii);
    }

    /// Have the codes of EACC for the text in NFC: what comes before it in Unicode may be one of its
    /// characters there, as U+2329 is U+3008.
    fn makeCodes(self: *Encoder) error{OutOfMemory}!void {
        if (self.eacc != null) return;
        for (self.text.items) |character| if (character >= tables.eacc_first) {
            const codes = try self.gpa.create(EaccCodes);
            codes.fill();
            self.eacc = codes;
            return;
        };
    }

    fn encodeCluster(self: *Encoder, out: *Buffer, cluster: []const u32, next_base: ?u32, problem: *Problem) Error!void {
        const base = cluster[0];
        const parts = self.resolve(base) orelse {
            for (cluster) |character| try self.substitute(out, character, problem);
            return;
        };
        // As many marks as MARC-8 has; what follows one that it does not have is substituted
        // behind the base, so that the order among the marks stays.
        var kept: usize = 1;
        for (cluster[1..]) |mark| {
            if (!self.isMark(mark, next_base)) break;
            kept += 1;
        }
        if (self.half_owed) |half| {
            try out.byte(half);
            self.half_owed = null;
        }
        for (parts.marks[0..parts.mark_count]) |mark| try self.writeMark(out, mark);
        for (cluster[1..kept]) |mark| try self.writeMark(out, mark);
        try self.write(out, self.find(parts.base).?);
        for (cluster[kept..]) |mark| try self.substitute(out, mark, problem);
    }

    const Parts = struct { base: u32, marks: [8]u32 = undefined, mark_count: usize = 0 };

    /// The character as a base that MARC-8 has and marks that it has, in order; null if it has not.
    fn resolve(self: *const Encoder, character: u32) ?Parts {
        if (!self.isBase(character)) return null;
        var parts: Parts = .{ .base = character };
        var reversed: [8]u32 = undefined;
        while (self.find(parts.base) == null) {
            const pair = normalize.decompose(parts.base) orelse return null;
            parts.base = pair.first;
            if (pair.second == 0) continue;
            if (!self.isMark(pair.second, null)) return null;
            reversed[parts.mark_count] = pair.second;
            parts.mark_count += 1;
        }
        for (0..parts.mark_count) |index| parts.marks[index] = reversed[parts.mark_count - 1 - index];
        return parts;
    }

    /// Does the character stand by itself? Some that are marks in Unicode do in MARC-8.
    fn isBase(self: *const Encoder, character: u32) bool {
        if (normalize.combiningClass(character) == 0) return true;
        const place = self.find(character) orelse return false;
        return !isCombining(place);
    }

    fn isCombining(place: Place) bool {
        return place.set != .eacc and tables.combining[@backingInt(place.set)] >> @as(u7, @intCast(place.code)) & 1 != 0;
    }

    fn isMark(self: *const Encoder, mark: u32, next_base: ?u32) bool {
        if (mark == 0x361 or mark == 0x360) {
            // Its second half needs a base behind it that is written as itself.
            const base = next_base orelse return false;
            return self.resolve(base) != null;
        }
        return isCombining(self.find(mark) orelse return false);
    }

    /// Where MARC-8 has the character: in the set in use if it can be, else in the first that has it.
    fn find(self: *const Encoder, character: u32) ?Place {
        if (character <= ' ') {
            if (character == escape) return null;
            // The space and control codes are the same in every set of one byte a character.
            const stays = self.g0 != .eacc or character < ' ';
            return .{ .set = if (stays) self.g0 else .ascii, .code = @intCast(character) };
        }
        var index = std.sort.lowerBound(tables.Single, &tables.by_character, character, struct {
            fn order(key: u32, entry: tables.Single) std.math.Order {
                return std.math.order(key, entry.character);
            }
        }.order);
        var first: ?Place = null;
        while (index < tables.by_character.len and tables.by_character[index].character == character) : (index += 1) {
            const entry = tables.by_character[index];
            if (entry.set == self.g0) return .{ .set = entry.set, .code = entry.code };
            if (first == null) first = .{ .set = entry.set, .code = entry.code };
        }
        if (first) |place| return place;
        if (character < tables.eacc_first) return null;
        return .{ .set = .eacc, .code = self.eacc.?.codeOf(character) orelse return null };
    }

    fn writeMark(self: *Encoder, out: *Buffer, mark: u32) Error!void {
        switch (mark) {
            0x361 => {
                try out.byte(0xeb);
                self.half_owed = 0xec;
            },
            0x360 => {
                try out.byte(0xfa);
                self.half_owed = 0xfb;
            },
            else => try self.write(out, self.find(mark).?),
        }
    }

    fn write(self: *Encoder, out: *Buffer, place: Place) Error!void {
        // ANSEL is always in G1; every other set goes to G0.
        if (place.set == .ansel) return out.byte(@as(u8, @intCast(place.code)) | 0x80);
        if (place.set != self.g0) try self.switchTo(out, place.set);
        if (place.set == .eacc and place.code > ' ') {
            var bytes: [3]u8 = undefined;
            std.mem.writeInt(u24, &bytes, place.code, .big);
            return out.append(&bytes);
        }
        try out.byte(@intCast(place.code));
    }

    fn switchTo(self: *Encoder, out: *Buffer, set: Set) Error!void {
        const from_special = switch (self.g0) {
            .subscripts, .superscripts, .greek_symbols => true,
            else => false,
        };
        const final = tables.finals[@backingInt(set)];
        switch (set) {
            .ascii => try out.append(if (from_special) "\x1bs" else "\x1b(B"),
            .eacc => try out.append("\x1b$1"),
            .subscripts, .superscripts, .greek_symbols => try out.append(&.{ escape, final }),
            else => try out.append(&.{ escape, '(', final }),
        }
        if (set != .ascii) self.used.insert(set);
        self.g0 = set;
    }

    fn substitute(self: *Encoder, out: *Buffer, character: u32, problem: *Problem) Error!void {
        self.half_owed = null;
        if (self.is_lenient and (character == 0xfffd or character < 0xa0)) {
            if (self.g0 != .ascii) try self.switchTo(out, .ascii);
            return out.byte('|');
        }
        switch (self.unmappable) {
            .@"error" => {
                var bytes: [4]u8 = undefined;
                const length = std.unicode.utf8Encode(@intCast(character), &bytes) catch unreachable;
                return problem.set(.unmappable_character, 0, bytes[0..length], "MARC-8 does not have the character U+{X:0>4}", .{character});
            },
            .ncr, .fill => {},
        }
        if (self.g0 != .ascii) try self.switchTo(out, .ascii);
        self.substituted += 1;
        if (self.unmappable == .fill) return out.byte('|');
        try out.print("&#x{X:0>4};", .{character});
    }
};

/// Append the content of a field 066 that lists the sets in `used`, as far as 066 has codes for
/// them (those of Technique 1 have none). Nothing is appended when there is nothing to list.
pub fn append066(out: *Buffer, used: std.EnumSet(Set)) Error!void {
    const listed = [_]struct { Set, []const u8 }{
        .{ .arabic, "(3" },
        .{ .arabic_extended, "(4" },
        .{ .hebrew, "(2" },
        .{ .cyrillic, "(N" },
        .{ .cyrillic_extended, "(Q" },
        .{ .greek, "(S" },
        .{ .eacc, "$1" },
    };
    const mark = out.length();
    for (listed) |entry| if (used.contains(entry[0])) {
        if (out.length() == mark) try out.append("  ");
        try out.append("\x1fc");
        try out.append(entry[1]);
    };
}

fn expectDecoded(expected: []const u8, value: []const u8) !void {
    const gpa = std.testing.allocator;
    var decoder: Decoder = .{ .gpa = gpa };
    defer decoder.deinit();
    var out: Buffer = .{ .gpa = gpa };
    defer out.deinit();
    var problem: Problem = .{};
    try decoder.decode(&out, value, 0, &problem);
    try std.testing.expectEqualStrings(expected, out.items());
}

fn expectEncoded(expected: []const u8, value: []const u8, unmappable: Unmappable) !void {
    const gpa = std.testing.allocator;
    var encoder: Encoder = .{ .gpa = gpa, .unmappable = unmappable };
    defer encoder.deinit();
    var out: Buffer = .{ .gpa = gpa };
    defer out.deinit();
    var problem: Problem = .{};
    try encoder.encode(&out, value, &problem);
    try std.testing.expectEqualStrings(expected, out.items());
}

test "marks go behind their base, and before it again" {
    try expectDecoded("Dvořák", "Dvo\xe9r\xe2ak");
    try expectEncoded("Dvo\xe9r\xe2ak", "Dvořák", .@"error");
    try expectEncoded("Dvo\xe9r\xe2ak", "Dvor\u{30c}a\u{301}k", .@"error");
    try expectEncoded("\xe8\xe5u", "\u{1d6}", .@"error");
    try expectDecoded("\u{1d6}", "\xe8\xe5u");
    // A mark with no base behind it is kept.
    try expectDecoded("\u{e9}", "e\xe2");
}

test "double-width marks span two bases" {
    try expectDecoded("t\u{fe20}s\u{fe21}", "\xebt\xecs");
    try expectEncoded("\xebt\xecs", "t\u{361}s", .@"error");
    try expectEncoded("\xebt\xecs", "t\u{fe20}s\u{fe21}", .@"error");
}

test "sets are switched and switched back" {
    try expectDecoded("Мир a", "\x1b(NmIR \x1b(Ba");
    try expectEncoded("\x1b(NmIR \x1b(Ba", "Мир a", .@"error");
    try expectDecoded("H₂O", "H\x1bb2\x1bsO");
    try expectEncoded("H\x1bb2\x1bsO", "H₂O", .@"error");
    try expectDecoded("日 本", "\x1b$1!Bs\x1b(B \x1b$1!Ci\x1b(B");
}

test "a character is looked for as it is in NFC" {
    // Each by an encoder that has not met EACC before: U+2329 and U+232A are two of its characters there.
    try expectEncoded("\x1b$1i!Ri!S\x1b(B", "\u{2329}\u{232a}", .@"error");
    for (0x80..tables.eacc_first) |character| {
        var bytes: [4]u8 = undefined;
        const length = try std.unicode.utf8Encode(@intCast(character), &bytes);
        var encoder: Encoder = .{ .gpa = std.testing.allocator, .unmappable = .fill };
        defer encoder.deinit();
        var out: Buffer = .{ .gpa = std.testing.allocator };
        defer out.deinit();
        var problem: Problem = .{};
        try encoder.encode(&out, bytes[0..length], &problem);
        try std.testing.expect(out.length() > 0);
    }
}

test "what MARC-8 does not have is an error, a reference or a fill character" {
    try std.testing.expectError(error.Problem, expectEncoded("", "a\u{1f600}", .@"error"));
    try expectEncoded("a&#x1F600;", "a\u{1f600}", .ncr);
    try expectEncoded("a|b", "a\u{1f600}b", .fill);
    // A mark that is not there, behind a base that is.
    try expectEncoded("x&#x0330;&#x0301;", "x\u{330}\u{301}", .ncr);
}
