//! What can be wrong, and where. Every module of the core that meets bad input or a value that a
//! format cannot hold describes it in one `Problem` and returns `error.Problem`; the caller across
//! the C ABI reads the description from there. Nothing here allocates, prints or unwinds.

const std = @import("std");
const utf8 = @import("utf8.zig");

/// Stable numbers: they are part of the ABI and of the documented error codes. Never renumber.
pub const Code = enum(u32) {
    none = 0,
    // ISO 2709 structure
    record_length_invalid = 1,
    truncated_record = 2,
    end_of_record_not_found = 3,
    leader_invalid = 4,
    base_address_not_found = 5,
    base_address_invalid = 6,
    directory_invalid = 7,
    field_invalid = 8,
    no_fields_found = 9,
    indicators_invalid = 10,
    subfield_code_invalid = 11,
    tag_invalid = 12,
    delimiter_in_data = 13,
    bad_leader_value = 14,
    // text
    utf8_invalid = 20,
    marc8_invalid = 21,
    unmappable_character = 22,
    // limits of ISO 2709
    field_too_long = 30,
    record_too_long = 31,
    // the other formats
    xml_syntax = 40,
    xml_character_forbidden = 41,
    json_syntax = 50,
    json_structure = 51,
    mrk_syntax = 60,
    seq_syntax = 61,
    seq_text_forbidden = 62,
};

pub const Error = error{ Problem, OutOfMemory };

pub const detail_bytes_max = 160;
pub const found_bytes_max = 40;
/// Bytes shown on either side of the fault.
pub const around_bytes = 24;

/// What became of the record.
pub const Outcome = enum(u32) {
    /// Nothing came out of it.
    lost = 0,
    /// What could be told of it did; something may be missing or another than it was.
    salvaged = 1,
    /// All of it did, though it is not written as it should be.
    warning = 2,
};

/// One thing that is wrong. Offsets are bytes: `offset_in_record` from the record's first byte (in
/// a text format, the first byte of its element, object or line), the rest filled in by the caller.
pub const Problem = extern struct {
    code: u32 = 0,
    /// Length of `detail` in bytes.
    detail_length: u32 = 0,
    /// Length of `found` in bytes.
    found_length: u32 = 0,
    /// Nonzero when `tag` holds the tag of the field at fault.
    has_tag: u32 = 0,
    /// Length of `expected` in bytes.
    expected_length: u32 = 0,
    /// Length of `control_number` in bytes.
    control_number_length: u32 = 0,
    /// Length of `around` in bytes, and where in it the fault is.
    around_length: u32 = 0,
    around_at: u32 = 0,
    /// An `Outcome`.
    outcome: u32 = 0,
    tag: [4]u8 = @splat(0),
    /// Records begun before this one in the stream.
    records_before: u64 = 0,
    /// Offset of the record from the start of the stream.
    byte_offset: u64 = 0,
    offset_in_record: u64 = 0,
    /// Number of the line at fault, from 1, in formats of lines; 0 in others.
    line: u64 = 0,
    /// What was expected or is wrong, one English clause.
    detail: [detail_bytes_max]u8 = @splat(0),
    /// The bytes at fault, cut to what fits.
    found: [found_bytes_max]u8 = @splat(0),
    /// What should stand there instead, where that is known.
    expected: [found_bytes_max]u8 = @splat(0),
    /// What field 001 says, where it can be read.
    control_number: [found_bytes_max]u8 = @splat(0),
    /// The bytes around the fault.
    around: [2 * around_bytes]u8 = @splat(0),

    pub fn clear(self: *Problem) void {
        self.code = 0;
        self.detail_length = 0;
        self.found_length = 0;
        self.has_tag = 0;
        self.expected_length = 0;
        self.control_number_length = 0;
        self.around_length = 0;
        self.line = 0;
        self.become(.lost);
        self.offset_in_record = 0;
    }

    /// Describe the problem; always returns `error.Problem` so that callers can `return` it.
    pub fn set(
        self: *Problem,
        code: Code,
        offset_in_record: usize,
        found: []const u8,
        comptime format: []const u8,
        arguments: anytype,
    ) error{Problem} {
        if (@typeInfo(@TypeOf(arguments)).@"struct".field_names.len == 0) return self.put(code, offset_in_record, found, format);
        var text: [detail_bytes_max]u8 = undefined;
        return self.put(code, offset_in_record, found, formatted(&text, format, arguments));
    }

    /// Not inline, as what follows: there are some hundred problems, and none of them is in a hurry.
    noinline fn put(self: *Problem, code: Code, offset_in_record: usize, found: []const u8, detail: []const u8) error{Problem} {
        @branchHint(.cold);
        self.clear();
        self.code = @backingInt(code);
        self.offset_in_record = offset_in_record;
        self.detail_length = fill(&self.detail, detail);
        const kept = self.detail[0..self.detail_length];
        // A name out of the input may be no text, or cut inside a character.
        while (utf8.indexOfInvalid(kept)) |at| kept[at] = '?';
        self.found_length = fill(&self.found, found);
        return error.Problem;
    }

    noinline fn formatted(text: *[detail_bytes_max]u8, comptime format: []const u8, arguments: anytype) []const u8 {
        @branchHint(.cold);
        // A detail too long for its place is cut, never dropped: bufPrint leaves what fitted.
        return std.fmt.bufPrint(text, format, arguments) catch text;
    }

    /// As the last that there is room for, tell of how many others it is one.
    pub fn tellMore(self: *Problem, code: Code, count: usize) void {
        const line = self.line;
        self.set(code, @intCast(self.offset_in_record), "", "{d} more things are wrong", .{count}) catch {};
        self.line = line;
        self.become(.salvaged);
    }

    /// Say what became of the record.
    pub fn become(self: *Problem, outcome: Outcome) void {
        self.outcome = @backingInt(outcome);
    }

    /// Say what should stand there.
    pub fn expect(self: *Problem, expected: []const u8) void {
        self.expected_length = fill(&self.expected, expected);
    }

    pub fn setControlNumber(self: *Problem, number: []const u8) void {
        self.control_number_length = fill(&self.control_number, number);
    }

    /// Keep the bytes around the fault. `record` begins where the offset counts from.
    pub fn look(self: *Problem, record: []const u8) void {
        const at: usize = @intCast(@min(self.offset_in_record, record.len));
        const start = at -| around_bytes;
        self.around_length = fill(&self.around, record[start..]);
        self.around_at = @intCast(at - start);
    }

    fn fill(target: []u8, source: []const u8) u32 {
        const length = @min(target.len, source.len);
        @memcpy(target[0..length], source[0..length]);
        return @intCast(length);
    }

    pub fn setTag(self: *Problem, tag: [3]u8) void {
        self.tag = .{ tag[0], tag[1], tag[2], 0 };
        self.has_tag = 1;
    }
};

comptime {
    // Nine numbers of 32 bits, the tag, four of 64, the texts: no hidden padding crosses the ABI.
    std.debug.assert(@sizeOf(Problem) == 36 + 4 + 32 + detail_bytes_max + 3 * found_bytes_max + 2 * around_bytes);
}

test "a detail that is too long is cut" {
    var problem: Problem = .{};
    const long: [300]u8 = @splat('x');
    try std.testing.expectError(
        error.Problem,
        @as(Error!void, problem.set(.xml_syntax, 7, "abc", "{s}", .{&long})),
    );
    try std.testing.expectEqual(@as(u32, detail_bytes_max), problem.detail_length);
    try std.testing.expectEqualStrings("abc", problem.found[0..problem.found_length]);
    try std.testing.expectEqual(@as(u64, 7), problem.offset_in_record);
}

test "what is told is text, even of a name that is none" {
    var problem: Problem = .{};
    problem.set(.xml_syntax, 0, "", "<{s}>", .{"a\xc3\xe9\xff\u{e9}"}) catch {};
    try std.testing.expectEqualStrings("<a???\u{e9}>", problem.detail[0..problem.detail_length]);
}
