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
};

pub const Error = error{ Problem, OutOfMemory };

pub const detail_bytes_max = 160;
pub const found_bytes_max = 40;

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
    /// Records begun before this one in the stream.
    records_before: u64 = 0,
    /// Offset of the record from the start of the stream.
    byte_offset: u64 = 0,
    offset_in_record: u64 = 0,
    tag: [4]u8 = @splat(0),
    /// What was expected or is wrong, one English clause.
    detail: [detail_bytes_max]u8 = @splat(0),
    /// The bytes at fault, cut to what fits.
    found: [found_bytes_max]u8 = @splat(0),

    pub fn clear(self: *Problem) void {
        self.code = 0;
        self.detail_length = 0;
        self.found_length = 0;
        self.has_tag = 0;
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
        self.clear();
        self.code = @backingInt(code);
        self.offset_in_record = offset_in_record;
        // A detail too long for its place is cut, never dropped: bufPrint leaves what fitted.
        const detail = std.fmt.bufPrint(&self.detail, format, arguments) catch &self.detail;
        // A name out of the input may be no text, or cut inside a character.
        while (utf8.indexOfInvalid(detail)) |at| detail[at] = '?';
        self.detail_length = @intCast(detail.len);
        const found_length = @min(found.len, found_bytes_max);
        @memcpy(self.found[0..found_length], found[0..found_length]);
        self.found_length = @intCast(found_length);
        return error.Problem;
    }

    pub fn setTag(self: *Problem, tag: [3]u8) void {
        self.tag = .{ tag[0], tag[1], tag[2], 0 };
        self.has_tag = 1;
    }
};

comptime {
    // 16 of lengths and code, 24 of positions, the texts: no hidden padding crosses the ABI.
    std.debug.assert(@sizeOf(Problem) == 16 + 24 + 4 + detail_bytes_max + found_bytes_max + 4);
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
