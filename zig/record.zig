//! The record as every reader fills it and every writer takes it: a leader, and fields that are
//! tags with slices of one run of UTF-8 bytes. A field's content is laid out as in ISO 2709
//! without its terminator: a control field's data, or two indicators and then, for each subfield,
//! 1F, the code and the value. Readers whose input already looks so lend their own bytes; the
//! others write into `text`. One Record is used again for each record of a stream.

const std = @import("std");
const problem_module = @import("problem.zig");
const Buffer = @import("buffer.zig").Buffer;
const Problem = problem_module.Problem;
const Error = problem_module.Error;

pub const leader_length = 24;
/// As far as five digits can count.
pub const record_length_max = 99_999;
/// A directory entry: tag, length of the field, its start.
pub const entry_length = 12;
pub const subfield_delimiter = 0x1f;
pub const field_terminator = 0x1e;
pub const record_terminator = 0x1d;

pub const Tag = [3]u8;

pub const Field = struct {
    tag: Tag,
    /// Offsets into `Record.bytes`.
    start: u32,
    end: u32,
};

/// One record may not be longer than this in any format, unless told otherwise: memory is bounded
/// whatever the input says.
pub const record_max_default = 64 << 20;
/// Offsets in a record, and in what its text becomes, are 32-bit numbers.
pub const record_max_most = 1 << 30;

/// As much of a record that is longer than `record_max` is looked at to see that it is.
pub fn sightOf(record_max: usize) usize {
    return 1 + @max(record_max, record_length_max);
}

pub fn setTooLong(problem: *Problem, data: []const u8, record_max: usize) error{Problem} {
    return problem.set(.record_too_long, 0, data[0..@min(data.len, 12)], "the record is longer than {d} bytes, the most that is read of one", .{record_max});
}

pub const Record = struct {
    gpa: std.mem.Allocator,
    leader: [leader_length]u8 = @splat(' '),
    fields: std.ArrayList(Field) = .empty,
    /// What the fields' offsets count from: the reader's input, or `text`.
    bytes: []const u8 = &.{},
    /// The same, and what may be looked at behind them, in the reader's input.
    seen: []const u8 = &.{},
    text: Buffer,

    pub fn init(gpa: std.mem.Allocator) Record {
        return .{ .gpa = gpa, .text = .{ .gpa = gpa } };
    }

    pub fn deinit(self: *Record) void {
        self.fields.deinit(self.gpa);
        self.text.deinit();
        self.* = undefined;
    }

    /// Forget the last record, keep its memory for the next.
    pub fn reset(self: *Record) void {
        self.leader = @splat(' ');
        self.fields.clearRetainingCapacity();
        self.text.clear();
        self.bytes = &.{};
        self.seen = &.{};
    }

    pub fn content(self: *const Record, field: Field) []const u8 {
        return self.bytes[field.start..field.end];
    }

    /// The bytes, and behind them others that may be looked at.
    pub fn sight(self: *const Record) []const u8 {
        return if (self.seen.ptr == self.bytes.ptr) self.seen else self.bytes;
    }

    /// All from a field's start on: its content, and behind it bytes that may be looked at.
    pub fn from(self: *const Record, field: Field) []const u8 {
        return self.bytes[field.start..];
    }

    pub inline fn addField(self: *Record, field: Field) Error!void {
        if (self.fields.items.len == self.fields.capacity) try self.fields.ensureUnusedCapacity(self.gpa, 1);
        self.fields.appendAssumeCapacity(field);
    }

    /// Begin a field whose content will be appended to `text`.
    pub fn beginField(self: *Record, tag: Tag) Error!void {
        const at: u32 = @intCast(self.text.length());
        try self.addField(.{ .tag = tag, .start = at, .end = at });
    }

    /// End the field begun last: its content is what `text` has gained since.
    pub fn endField(self: *Record) void {
        self.fields.items[self.fields.items.len - 1].end = @intCast(self.text.length());
    }

    pub fn append(self: *Record, bytes: []const u8) Error!void {
        try self.text.append(bytes);
    }

    /// Once all fields stand in `text`: let the offsets count from there.
    pub fn seal(self: *Record) void {
        self.bytes = self.text.items();
    }
};

/// What a reader makes of the bytes at the front of its input.
pub const Step = union(enum) {
    /// A record was read from this many bytes.
    record: usize,
    /// So many bytes hold no record.
    skip: usize,
    /// The record goes on behind the input.
    need_more,
    /// Nothing more will come.
    end,
};

/// Where to go on behind a record that could not be read.
pub const Resync = struct {
    /// Bytes to leave out.
    skip: usize,
    /// Whether the next record may begin there. If not, the search goes on in what follows.
    found: bool,
};

/// A set of tags. What it has it tells; of other tags than those of digits it may tell too many.
pub const Tags = struct {
    places: [4096]bool = @splat(false),

    /// Where a tag stands in a table of 4,096. Tags of digits have each a place of their own.
    pub inline fn placeOf(tag: Tag) usize {
        const low = @as(u32, std.mem.readInt(u24, &tag, .little)) & 0x0f0f0f;
        return (low << 8 | low >> 4 | low >> 16) & 0xfff;
    }

    /// Whether tags at a place may be like `pattern`, where a `.` stands for any character.
    pub fn isLike(place: usize, pattern: Tag) bool {
        const parts: [3]usize = .{ place >> 8, place >> 4 & 15, place & 15 };
        for (pattern, parts) |character, part| if (character != '.' and character & 15 != part) return false;
        return true;
    }

    pub fn add(self: *Tags, pattern: Tag) void {
        for (&self.places, 0..) |*place, at| place.* = place.* or isLike(at, pattern);
    }

    pub inline fn mayHave(self: *const Tags, tag: Tag) bool {
        return self.places[placeOf(tag)];
    }
};

/// Control fields are 001 to 009, as in pymarc; every other tag has indicators and subfields.
pub fn isControlTag(tag: Tag) bool {
    return tag[0] == '0' and tag[1] == '0' and std.ascii.isDigit(tag[2]);
}

/// A tag is three printable ASCII characters without blanks (MARC 21 Record Structure, Directory).
pub fn isTag(bytes: []const u8) bool {
    if (bytes.len != 3) return false;
    for (bytes) |byte| if (byte <= ' ' or byte > '~') return false;
    return true;
}

/// A data field's content taken apart.
pub const Subfields = struct {
    /// Bytes before the first delimiter: the indicators, two of them in a sound field.
    indicators: []const u8,
    rest: []const u8,

    pub const Subfield = struct { code: []const u8, value: []const u8 };

    pub fn init(content: []const u8) Subfields {
        const first = std.mem.indexOfScalar(u8, content, subfield_delimiter) orelse content.len;
        return .{ .indicators = content[0..first], .rest = content[first..] };
    }

    /// The next subfield. An empty code means a delimiter with nothing behind it.
    pub fn next(self: *Subfields) ?Subfield {
        if (self.rest.len == 0) return null;
        const body = self.rest[1..];
        const end = std.mem.indexOfScalar(u8, body, subfield_delimiter) orelse body.len;
        self.rest = body[end..];
        const code_length = codeLength(body[0..end]);
        return .{ .code = body[0..code_length], .value = body[code_length..end] };
    }
};

/// An indicator is one printable ASCII character or a blank.
pub fn isIndicator(byte: u8) bool {
    return byte >= ' ' and byte <= '~';
}

/// A subfield code is one character, no control character.
pub fn isCode(bytes: []const u8) bool {
    return bytes.len > 0 and bytes[0] >= ' ' and codeLength(bytes) == bytes.len;
}

/// Whether a data field's content begins with two bytes and then ends or goes on with a delimiter.
pub inline fn hasIndicators(content: []const u8) bool {
    return content.len == 2 or (content.len > 2 and content[2] == subfield_delimiter);
}

/// Report a data field whose content does not begin with two indicators and then end or go on with
/// a delimiter: no format with named parts could hold it.
pub fn checkIndicators(content: []const u8, problem: *Problem) error{Problem}!void {
    if (hasIndicators(content) and isIndicator(content[0]) and isIndicator(content[1])) return;
    const indicators = Subfields.init(content).indicators;
    return problem.set(.indicators_invalid, 0, indicators, "two indicators were expected before the first subfield", .{});
}

/// The code of the subfield whose delimiter `rest` begins with.
pub inline fn takeCode(rest: []const u8, problem: *Problem) error{Problem}![]const u8 {
    if (rest.len < 2 or rest[1] < ' ') {
        return problem.set(.subfield_code_invalid, 0, rest[0..@min(rest.len, 2)], "a subfield delimiter has no code behind it", .{});
    }
    return rest[1..][0..codeLength(rest[1..])];
}

/// A subfield code is one character: one byte, or the whole of a UTF-8 sequence in damaged data.
pub fn codeLength(subfield: []const u8) usize {
    if (subfield.len == 0) return 0;
    const length: usize = switch (subfield[0]) {
        0xc2...0xdf => 2,
        0xe0...0xef => 3,
        0xf0...0xf4 => 4,
        else => 1,
    };
    return @min(length, subfield.len);
}

test "a data field comes apart at its delimiters" {
    var subfields: Subfields = .init("10\x1faTitle :\x1fb\x1f");
    try std.testing.expectEqualStrings("10", subfields.indicators);
    const a = subfields.next().?;
    try std.testing.expectEqualStrings("a", a.code);
    try std.testing.expectEqualStrings("Title :", a.value);
    const b = subfields.next().?;
    try std.testing.expectEqualStrings("b", b.code);
    try std.testing.expectEqualStrings("", b.value);
    try std.testing.expectEqualStrings("", subfields.next().?.code);
    try std.testing.expectEqual(null, subfields.next());
}

test "control fields are 001 to 009" {
    try std.testing.expect(isControlTag("001".*) and isControlTag("009".*));
    try std.testing.expect(!isControlTag("010".*) and !isControlTag("00A".*));
}
