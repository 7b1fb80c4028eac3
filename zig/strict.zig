//! What MARC 21 demands of a record beyond the structure of ISO 2709 (MARC 21 Specifications, "Record
//! Structure", and the Leader pages of the formats): the leader's values, tags, indicators, subfield
//! codes, and UTF-8 where leader/09 says so.

const std = @import("std");
const iso2709 = @import("iso2709.zig");
const record_module = @import("record.zig");
const scan = @import("scan.zig");
const utf8 = @import("utf8.zig");
const Field = record_module.Field;
const Record = record_module.Record;
const Problem = @import("problem.zig").Problem;

const leader_length = record_module.leader_length;
const delimiter = record_module.subfield_delimiter;

/// What records are held to.
pub const Level = enum(u32) {
    /// The structure.
    structural = 0,
    /// Whatever this module knows.
    strict_marc = 1,
};

/// The values of leader/05 to 09, 10 and 11, 17 to 19, and 20 to 23.
const Values = struct { [5][]const u8, [3][]const u8 };
const bibliographic: Values = .{ .{ "acdnp", "acdefgijkmoprt", "abcdims", " a", " a" }, .{ " 1234578uz", " acinu", " abc" } };
const authority: Values = .{ .{ "acdnosx", "z", " ", " ", " a" }, .{ "no", " ciu", " " } };
const holdings: Values = .{ .{ "cdn", "uvxy", " ", " ", " a" }, .{ "12345muz", "in", " " } };

/// The values that a position may have in the format of leader/06; none for a length.
fn valuesAt(leader: *const [leader_length]u8, position: usize) []const u8 {
    const values = switch (leader[6]) {
        'z' => authority,
        'u', 'v', 'x', 'y' => holdings,
        else => bibliographic,
    };
    return switch (position) {
        5...9 => values[0][position - 5],
        10, 11 => "2",
        17...19 => values[1][position - 17],
        20...23 => "4500"[position - 20 ..][0..1],
        else => "",
    };
}

/// One record, judged a fault at a time.
pub const Judge = struct {
    leader: *const [leader_length]u8,
    /// What the fields' offsets count from.
    bytes: []const u8,
    fields: union(enum) { listed: []const Field, framed: iso2709.Frame },
    /// Whether the text has to be UTF-8.
    is_utf8: bool,
    /// Positions of the leader and then fields that were looked at.
    done: usize = 0,

    /// The judge of a record in ISO 2709 whose structure is sound.
    pub fn of(record: []const u8, frame: iso2709.Frame, is_utf8: bool) Judge {
        return .{ .leader = record[0..leader_length], .bytes = record, .fields = .{ .framed = frame }, .is_utf8 = is_utf8 };
    }

    /// The judge of a record whose text is told elsewhere.
    pub fn ofRecord(record: *const Record) Judge {
        return .{ .leader = &record.leader, .bytes = record.bytes, .fields = .{ .listed = record.fields.items }, .is_utf8 = false };
    }

    /// Report the next fault, if there is one more.
    pub fn next(self: *Judge, problem: *Problem) error{Problem}!void {
        while (self.done < leader_length) {
            const position = self.done;
            self.done += 1;
            const values = valuesAt(self.leader, position);
            const value = self.leader[position..][0..1];
            if (values.len > 0 and std.mem.indexOfScalar(u8, values, value[0]) == null) {
                problem.set(.bad_leader_value, position, value, "leader/{d:0>2} should be one of \"{s}\"", .{ position, values }) catch {};
                problem.expect(values);
                return error.Problem;
            }
        }
        while (self.fieldAt(self.done - leader_length)) |field| {
            self.done += 1;
            checkField(field.tag, self.bytes[field.start..field.end], self.is_utf8, problem) catch {
                problem.offset_in_record += field.start;
                problem.setTag(field.tag);
                return error.Problem;
            };
        }
    }

    fn fieldAt(self: *const Judge, index: usize) ?Field {
        switch (self.fields) {
            .listed => |fields| return if (index < fields.len) fields[index] else null,
            .framed => |frame| return if (index < frame.fieldCount()) frame.field(self.bytes, index) else null,
        }
    }
};

fn checkField(tag: record_module.Tag, content: []const u8, is_utf8: bool, problem: *Problem) error{Problem}!void {
    for (tag) |byte| if (!std.ascii.isAlphanumeric(byte)) {
        return problem.set(.tag_invalid, 0, &tag, "a tag should be digits and letters", .{});
    };
    const terminator = scan.indexOf(iso2709.terminators, content);
    if (terminator < content.len) {
        return problem.set(.delimiter_in_data, terminator, content[terminator..][0..1], "a terminator stands inside the field", .{});
    }
    if (is_utf8) if (utf8.indexOfInvalid(content)) |at| {
        return problem.set(.utf8_invalid, at, content[at..@min(at + 4, content.len)], "the text is not UTF-8, which leader/09 says it is", .{});
    };
    var at = std.mem.indexOfScalar(u8, content, delimiter) orelse content.len;
    if (record_module.isControlTag(tag)) {
        if (at == content.len) return;
        return problem.set(.delimiter_in_data, at, content[at..][0..1], "a control field has no subfields", .{});
    }
    try record_module.checkIndicators(content, problem);
    for (content[0..2]) |indicator| if (indicator != ' ' and !isLowerOrDigit(indicator)) {
        return problem.set(.indicators_invalid, 0, content[0..2], "an indicator should be a lowercase letter, a digit or a blank", .{});
    };
    if (at == content.len) {
        return problem.set(.subfield_code_invalid, 0, content, "the field has no subfields", .{});
    }
    while (at < content.len) {
        const code = try record_module.takeCode(content[at..], problem);
        const is_code = code.len == 1 and code[0] > ' ' and code[0] <= '~' and !std.ascii.isUpper(code[0]);
        if (!is_code) {
            return problem.set(.subfield_code_invalid, at + 1, code, "a subfield code should be a lowercase letter, a digit or a sign", .{});
        }
        at = std.mem.indexOfScalarPos(u8, content, at + 1, delimiter) orelse content.len;
    }
}

fn isLowerOrDigit(byte: u8) bool {
    return std.ascii.isLower(byte) or std.ascii.isDigit(byte);
}

test "each fault is told, one after the other" {
    const record = "00062nxm a2200049 a 4500" ++ "001000300000" ++ "2.5000900003" ++ "\x1e" ++ "42\x1e" ++ "10\x1faOdes\x1e" ++ "\x1d";
    var problem: Problem = .{};
    const frame = (try iso2709.check(record, true, &problem)).record;
    var judge: Judge = .of(record, frame, true);
    // Leader/06 is of the holdings format, so 07, 17 and 18 are wrong.
    for ([_]u64{ 7, 17, 18, 52 }) |offset| {
        try std.testing.expectError(error.Problem, judge.next(&problem));
        try std.testing.expectEqual(offset, problem.offset_in_record);
    }
    try std.testing.expectEqualStrings("2.5", problem.tag[0..3]);
    try judge.next(&problem);
}

test "indicators, codes and text" {
    var problem: Problem = .{};
    for ([_][]const u8{ "10\x1faOdes", "  \x1f9\x1fb\u{e9}", "z#\x1f!x" }) |content| {
        const is_sound = if (checkField("245".*, content, true, &problem)) true else |_| false;
        try std.testing.expectEqual(content[1] != '#', is_sound);
    }
    for ([_][]const u8{ "", "10", "1\x1fa", "|0\x1faOdes", "A0\x1faOdes", "10\x1fAOdes", "10\x1f Odes", "10\x1f", "10\x1f\u{e9}", "10\x1faOd\xe9s", "10\x1fa\x1e" }) |content| {
        try std.testing.expectError(error.Problem, checkField("245".*, content, true, &problem));
    }
    try checkField("245".*, "10\x1faOd\xe9s", false, &problem);
    try checkField("001".*, "", true, &problem);
    try std.testing.expectError(error.Problem, checkField("001".*, "a\x1fb", true, &problem));
}
