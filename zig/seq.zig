//! Aleph sequential, the text in which Ex Libris's Aleph loads and exports records:
//!
//!     000000228 LDR   L ^^^^^nam^a22002891^^4500
//!     000000228 001   L 000000228
//!     000000228 24510 L $$aOdes /$$cPindar.
//!
//! A line is a field: the nine digits of its record's system number, tag and indicators, an alphabet (`L`
//! for nearly all), and from the nineteenth byte on the content. In the leader and in control fields `^` is
//! a blank; in all others `$$` and a code begin a subfield. Nothing can be escaped, so some texts cannot
//! be written: see `forbidden`.

const std = @import("std");
const scan = @import("scan.zig");
const record_module = @import("record.zig");
const problem_module = @import("problem.zig");
const Buffer = @import("buffer.zig").Buffer;
const Cursor = @import("cursor.zig").Cursor;
const Error = problem_module.Error;
const Problem = problem_module.Problem;
const Reader = @import("lines.zig").Reader;
const Record = record_module.Record;

const subfield_delimiter = record_module.subfield_delimiter;

const number_length = 9;
/// What stands before the content.
const head_length = 18;
const tag_at = 10;
const indicators_at = 13;

/// Aleph's format of a record (BK, SE, ...), as the one subfield $a: its line has no subfields, and comes
/// before the leader's.
fn isFormat(tag: record_module.Tag) bool {
    return is(tag, "FMT");
}

fn isLeader(tag: record_module.Tag) bool {
    return is(tag, "LDR");
}

inline fn is(tag: record_module.Tag, comptime other: *const record_module.Tag) bool {
    return @as(u24, @bitCast(tag)) == comptime @as(u24, @bitCast(other.*));
}

// ---- writing

const ends = "\n\r" ++ .{ record_module.record_terminator, record_module.field_terminator };
const special_fixed: scan.Class = .{ .others = ends ++ .{ '^', subfield_delimiter } };
const special_value: scan.Class = .{ .others = ends ++ .{ '$', subfield_delimiter } };

/// Append the lines of one record. `position` is its number in its source, from 1.
pub fn write(out: *Buffer, record: *const Record, position: u64, problem: *Problem) Error!void {
    const mark = out.length();
    errdefer out.shrink(mark);
    var writer: Writer = .{ .out = out, .record = record, .number = systemNumber(record, position), .problem = problem };
    const fields = record.fields.items;
    const formats = for (fields, 0..) |field, index| {
        if (!isFormat(field.tag)) break index;
    } else fields.len;
    try writer.fields(fields[0..formats]);
    try writer.leader();
    try writer.fields(fields[formats..]);
}

/// The digits of field 001, where they are a number of up to nine; else the record's position.
fn systemNumber(record: *const Record, position: u64) [number_length]u8 {
    const end = 1_000_000_000;
    var number: u64 = 0;
    for (record.fields.items) |field| if (is(field.tag, "001")) {
        for (record.content(field)) |byte| if (std.ascii.isDigit(byte)) {
            number = number *| 10 +| (byte - '0');
        };
        break;
    };
    if (number == 0 or number >= end) number = position % end;
    var digits: [number_length]u8 = undefined;
    _ = std.fmt.bufPrint(&digits, "{d:0>9}", .{number}) catch unreachable;
    return digits;
}

const Writer = struct {
    out: *Buffer,
    record: *const Record,
    number: [number_length]u8,
    problem: *Problem,

    fn leader(self: *Writer) Error!void {
        var cursor: Cursor = try .enter(self.out);
        self.head(&cursor, "LDR".*, "  ".*);
        var bytes: [scan.block_length]u8 = @splat(0);
        bytes[0..record_module.leader_length].* = self.record.leader;
        bytes[9] = 'a';
        try self.fixed(&cursor, &bytes, 0, record_module.leader_length);
        cursor.literal("\n");
        cursor.leave();
    }

    fn fields(self: *Writer, some: []const record_module.Field) Error!void {
        var cursor: Cursor = try .enter(self.out);
        const bytes = self.record.sight();
        for (some) |one| {
            try cursor.ensure();
            self.field(&cursor, one.tag, bytes, one.start, one.end) catch |err| {
                if (err == error.Problem) self.problem.setTag(one.tag);
                return err;
            };
            cursor.literal("\n");
        }
        cursor.leave();
    }

    inline fn head(self: *const Writer, cursor: *Cursor, tag: record_module.Tag, indicators: [2]u8) void {
        const bytes = cursor.form("000000000 000   L ");
        bytes[0..number_length].* = self.number;
        bytes[tag_at..][0..3].* = tag;
        bytes[indicators_at..][0..2].* = indicators;
    }

    /// The content stands in `bytes` from `start` to `end`.
    inline fn field(self: *Writer, cursor: *Cursor, tag: record_module.Tag, bytes: []const u8, start: usize, end: usize) Error!void {
        if (record_module.isControlTag(tag)) {
            self.head(cursor, tag, "  ".*);
            return self.fixed(cursor, bytes, start, end);
        }
        if (isLeader(tag)) {
            return self.problem.set(.tag_invalid, 0, &tag, "a field with this tag would be read as the leader in Aleph sequential", .{});
        }
        try record_module.checkIndicators(bytes[start..end], self.problem);
        self.head(cursor, tag, bytes[start..][0..2].*);
        var at = start + 2;
        if (isFormat(tag) and isSimple(bytes[at..end])) {
            _ = try cursor.text(special_value, forbidden, self, bytes, at + 2, end);
            return;
        }
        while (at < end) {
            const code = try record_module.takeCode(bytes[at..end], self.problem);
            if (code[0] == '$') return self.problem.set(.seq_text_forbidden, 0, code, "Aleph sequential cannot have the subfield code $", .{});
            cursor.literal("$$");
            // The code is copied with the value.
            at = try cursor.text(special_value, forbidden, self, bytes, at + 1, end);
        }
    }

    /// Put text that has blanks as `^`.
    inline fn fixed(self: *Writer, cursor: *Cursor, bytes: []const u8, start: usize, end: usize) Error!void {
        const mark = cursor.at;
        var at = start;
        while (true) : (at += 1) {
            at = try cursor.text(special_fixed, forbidden, self, bytes, at, end);
            if (at == end) break;
            cursor.literal("\x1f");
        }
        for (cursor.room[mark..cursor.at]) |*byte| if (byte.* == ' ') {
            byte.* = '^';
        };
    }

    /// What would be read as something else is a problem. A single `$` is not.
    fn forbidden(self: *Writer, bytes: []const u8) Error!usize {
        @branchHint(.cold);
        const what = switch (bytes[0]) {
            '$' => if (bytes.len > 1 and bytes[1] == '$') "$$, which begins a subfield there" else {
                try self.out.byte('$');
                return 1;
            },
            '^' => "^ in a leader or control field, where it is a blank",
            '\n', '\r' => "a line end",
            else => "a terminator of ISO 2709",
        };
        const length: usize = if (bytes[0] == '$') 2 else 1;
        return self.problem.set(.seq_text_forbidden, 0, bytes[0..length], "Aleph sequential cannot hold {s}", .{what});
    }
};

/// Nothing but a subfield $a with text in it.
fn isSimple(subfields: []const u8) bool {
    return subfields.len > 2 and subfields[1] == 'a' and std.mem.indexOfScalarPos(u8, subfields, 1, subfield_delimiter) == null;
}

// ---- reading, see `lines.zig`

pub const syntax: problem_module.Code = .seq_syntax;
pub const leader_missing = "a record should have a leader, LDR";

/// How far the record at the start of `data` goes: up to another system number, or to another leader with
/// the same. Null: it goes on behind the input.
pub fn recordEnd(data: []const u8, final: bool) ?usize {
    var number: ?*const [number_length]u8 = null;
    var has_leader = false;
    // Where the lines FMT begin that stand right before the one at hand.
    var formats: ?usize = null;
    var at: usize = 0;
    while (at < data.len) {
        const line = data[at..@min(data.len, at + indicators_at)];
        const end = std.mem.indexOfScalarPos(u8, data, at, '\n');
        // Whether the line belongs to another record shows in its tag.
        if (line.len < indicators_at and end == null and !final) return null;
        if (hasNumber(line)) {
            // What stands before the first number belongs to no record.
            if (if (number) |known| !isSame(known, line[0..number_length]) else at > 0) return at;
            number = line[0..number_length];
            const tag: record_module.Tag = if (line.len < indicators_at) @splat(0) else line[tag_at..][0..3].*;
            if (isLeader(tag)) {
                if (has_leader) return formats orelse at;
                has_leader = true;
            }
            if (!isFormat(tag)) formats = null else if (formats == null) formats = at;
        }
        at = (end orelse break) + 1;
    }
    return if (final) data.len else null;
}

fn hasNumber(line: []const u8) bool {
    if (line.len < number_length) return false;
    const Eight = @Vector(8, u8);
    const digits = @as(Eight, line[0..8].*) -% @as(Eight, @splat('0'));
    return @reduce(.Max, digits) <= 9 and std.ascii.isDigit(line[8]);
}

fn isSame(one: *const [number_length]u8, other: *const [number_length]u8) bool {
    return @as(u64, @bitCast(one[0..8].*)) == @as(u64, @bitCast(other[0..8].*)) and one[8] == other[8];
}

/// Whether the line has the blanks that part number, tag, alphabet and content, and a tag. Of empty
/// content the last blank may be missing.
fn hasHead(line: []const u8) bool {
    if (line.len < head_length - 1 or line[tag_at - 1] != ' ' or line[head_length - 3] != ' ') return false;
    return record_module.isTag(line[tag_at..][0..3]) and (line.len < head_length or line[head_length - 1] == ' ');
}

pub fn readLine(reader: *Reader, line: []const u8, at: usize, record: *Record) Error!void {
    const problem = reader.problem;
    if (!hasNumber(line)) {
        problem.set(.seq_syntax, at, line, "a line should begin with a system number of nine digits", .{}) catch {};
        try reader.putUp();
        // A line end inside a value, most likely.
        if (!hasHead(line)) return if (reader.may_go_on) continueField(problem, line, at, record);
    }
    if (!hasHead(line)) {
        return problem.set(.seq_syntax, at, line, "behind the system number should stand tag, indicators and alphabet, parted by blanks", .{});
    }
    const tag = line[tag_at..][0..3].*;
    const content = line[@min(head_length, line.len)..];
    const content_at = at + (line.len - content.len);
    reader.may_go_on = !isLeader(tag);
    if (isLeader(tag)) return readLeader(reader, content, content_at, record);
    readField(reader, tag, line, at, content, content_at, record) catch |err| {
        if (err == error.Problem) problem.setTag(tag);
        return err;
    };
}

/// Give a record without a field 001 its system number there, behind Aleph's format.
pub fn endRecord(reader: *Reader, record: *Record) Error!void {
    const text = reader.text;
    if (!hasNumber(text) or isSame(text[0..number_length], "000000000")) return;
    for (record.fields.items) |field| if (is(field.tag, "001")) return;
    try record.beginField("001".*);
    try record.append(text[0..number_length]);
    record.endField();
    const fields = record.fields.items;
    const added = fields[fields.len - 1];
    const index = for (fields, 0..) |field, index| {
        if (!isFormat(field.tag)) break index;
    } else unreachable;
    std.mem.copyBackwards(record_module.Field, fields[index + 1 ..], fields[index .. fields.len - 1]);
    fields[index] = added;
}

fn readLeader(reader: *Reader, content: []const u8, at: usize, record: *Record) Error!void {
    const is_sound = content.len == record_module.leader_length and for (content) |byte| {
        if (!record_module.isIndicator(byte)) break false;
    } else true;
    if (!is_sound) {
        reader.problem.set(.leader_invalid, at, content, "a leader has 24 ASCII characters", .{}) catch {};
        return reader.putUpWithLeader(record);
    }
    for (content, &record.leader) |byte, *to| to.* = if (byte == '^') ' ' else byte;
    reader.has_leader = true;
}

fn readField(reader: *Reader, tag: record_module.Tag, line: []const u8, at: usize, content: []const u8, content_at: usize, record: *Record) Error!void {
    const problem = reader.problem;
    const indicators = line[indicators_at..][0..2].*;
    const is_fixed = record_module.isControlTag(tag);
    for (indicators) |indicator| if (!record_module.isIndicator(indicator) or (is_fixed and indicator != ' ')) {
        const detail = if (is_fixed) "two blanks were expected, as a control field has no indicators" else "two indicators were expected";
        return problem.set(.indicators_invalid, at + indicators_at, &indicators, "{s}", .{detail});
    };
    try record.beginField(tag);
    if (is_fixed) {
        try readFixed(problem, content, content_at, record);
    } else {
        try record.append(&indicators);
        if (content.len > 0 and !isSubfield(content)) {
            if (!isFormat(tag)) {
                problem.set(.seq_syntax, content_at, content, "a subfield should begin with $$ behind the alphabet", .{}) catch {};
                problem.setTag(tag);
                try reader.putUp();
            }
            try record.append(&.{ subfield_delimiter, 'a' });
        }
        try readValues(problem, content, content_at, record);
    }
    record.endField();
}

/// Add what stands in a line of its own to the field before.
fn continueField(problem: *Problem, text: []const u8, at: usize, record: *Record) Error!void {
    const field = record.fields.items[record.fields.items.len - 1];
    if (record_module.isControlTag(field.tag)) {
        try readFixed(problem, text, at, record);
    } else {
        // The field has nothing but indicators yet.
        if (field.end - field.start == 2 and !isSubfield(text)) try record.append(&.{ subfield_delimiter, 'a' });
        try readValues(problem, text, at, record);
    }
    record.endField();
}

fn readFixed(problem: *Problem, text: []const u8, at: usize, record: *Record) Error!void {
    const special: scan.Class = .{ .others = &.{ '^', record_module.record_terminator, record_module.field_terminator } };
    var rest = text;
    while (true) {
        const plain = scan.indexOf(special, rest);
        try record.append(rest[0..plain]);
        rest = rest[plain..];
        if (rest.len == 0) return;
        if (rest[0] != '^') return delimiterInData(problem, at + (text.len - rest.len), rest);
        try record.append(" ");
        rest = rest[1..];
    }
}

/// Read subfields, or the rest of one and others behind it.
fn readValues(problem: *Problem, text: []const u8, at: usize, record: *Record) Error!void {
    const special: scan.Class = .{ .others = &.{ '$', record_module.record_terminator, record_module.field_terminator, subfield_delimiter } };
    var rest = text;
    while (true) {
        const plain = scan.indexOf(special, rest);
        try record.append(rest[0..plain]);
        rest = rest[plain..];
        if (rest.len == 0) return;
        if (rest[0] != '$') return delimiterInData(problem, at + (text.len - rest.len), rest);
        if (isSubfield(rest)) {
            try record.append(&.{subfield_delimiter});
            rest = rest[2..];
            // As a code it may be any character, and no delimiter.
            if (rest[0] >= ' ') continue;
        } else if (!std.mem.eql(u8, rest, "$$")) {
            try record.append("$");
            rest = rest[1..];
            continue;
        }
        return problem.set(.subfield_code_invalid, at + (text.len - rest.len), rest[0..1], "a $$ has no subfield code behind it", .{});
    }
}

/// Whether `text` begins with `$$` and a code. Of several `$` the last two begin a subfield.
fn isSubfield(text: []const u8) bool {
    return text.len > 2 and text[0] == '$' and text[1] == '$' and text[2] != '$';
}

fn delimiterInData(problem: *Problem, at: usize, found: []const u8) error{Problem} {
    return problem.set(.delimiter_in_data, at, found[0..1], "a delimiter of ISO 2709 cannot stand in a value", .{});
}

const Fields = []const struct { record_module.Tag, []const u8 };

fn make(record: *Record, contents: Fields) !void {
    record.reset();
    record.leader = "00000nam a22000007a 4500".*;
    for (contents) |entry| {
        try record.beginField(entry[0]);
        try record.append(entry[1]);
        record.endField();
    }
    record.seal();
}

fn expectFields(expected: Fields, record: *const Record) !void {
    try std.testing.expectEqual(expected.len, record.fields.items.len);
    for (expected, record.fields.items) |entry, field| {
        try std.testing.expectEqualStrings(&entry[0], &field.tag);
        try std.testing.expectEqualStrings(entry[1], record.content(field));
    }
}

/// Read the record that `text` is; how many lines were put up with.
fn readWhole(text: []const u8, record: *Record, is_lenient: bool) !usize {
    const gpa = record.gpa;
    var problem: Problem = .{};
    var damages: std.ArrayList(Problem) = .empty;
    defer damages.deinit(gpa);
    var reader: Reader = .{ .gpa = gpa, .problem = &problem, .damages = if (is_lenient) &damages else null, .mended = .{ .gpa = gpa } };
    defer reader.deinit();
    try std.testing.expectEqual(record_module.Step{ .record = text.len }, try reader.next(@This(), text, true, record));
    return damages.items.len;
}

test "what is written is read back" {
    const gpa = std.testing.allocator;
    var problem: Problem = .{};
    var record: Record = .init(gpa);
    defer record.deinit();
    const contents: Fields = &.{
        .{ "FMT".*, "  \x1faBK" },
        .{ "001".*, " ocm0012 \x1f3" },
        .{ "245".*, "1 \x1fa $5 ^ $\x1fb\x1f%$" },
        .{ "500".*, "  " },
        .{ "FMT".*, "1 \x1fa" },
        .{ "FMT".*, "  \x1faBK\x1fb" },
    };
    try make(&record, contents);
    var out: Buffer = .{ .gpa = gpa };
    defer out.deinit();
    try write(&out, &record, 7, &problem);
    const expected =
        \\000000123 FMT   L BK
        \\000000123 LDR   L 00000nam^a22000007a^4500
        \\000000123 001   L ^ocm0012^{c}3
        \\000000123 2451  L $$a $5 ^ $$$b$$%$
        \\000000123 500   L 
        \\000000123 FMT1  L $$a
        \\000000123 FMT   L $$aBK$$b
        \\
    ;
    try std.testing.expectEqualStrings(std.fmt.comptimePrint(expected, .{0x1f}), out.items());
    var again: Record = .init(gpa);
    defer again.deinit();
    try std.testing.expectEqual(@as(usize, 0), try readWhole(out.items(), &again, false));
    try std.testing.expectEqualStrings(&record.leader, &again.leader);
    try expectFields(contents, &again);
}

test "what would be read as something else is not written" {
    const gpa = std.testing.allocator;
    var problem: Problem = .{};
    var out: Buffer = .{ .gpa = gpa };
    defer out.deinit();
    var record: Record = .init(gpa);
    defer record.deinit();
    for ([_]struct { record_module.Tag, []const u8 }{
        .{ "LDR".*, "10" },
        .{ "001".*, "a^b" },
        .{ "001".*, "a\n" },
        .{ "500".*, "  \x1faa\rb" },
        .{ "500".*, "  \x1faa$$b" },
        .{ "500".*, "  \x1faa$$" },
        .{ "500".*, "  \x1fa$$\x1fb" },
        .{ "500".*, "  \x1f$a" },
        .{ "FMT".*, "  \x1faB$$K" },
        .{ "500".*, "1\x1faT" },
        .{ "500".*, "  \x1f" },
    }) |entry| {
        try make(&record, &.{ .{ "005".*, "1" }, entry });
        try std.testing.expectError(error.Problem, write(&out, &record, 1, &problem));
        try std.testing.expectEqualStrings(&entry[0], problem.tag[0..3]);
        try std.testing.expectEqual(@as(usize, 0), out.length());
    }
}

test "the system number is that of 001, or the record's position" {
    const gpa = std.testing.allocator;
    var record: Record = .init(gpa);
    defer record.deinit();
    for ([_]struct { []const u8, []const u8 }{
        .{ "000000228", "000000228" },
        .{ "  80-12345 ", "008012345" },
        .{ "999999999", "999999999" },
        .{ "0001000000000", "000000042" },
        .{ "98765432109876543210987654321", "000000042" },
        .{ "0", "000000042" },
        .{ "none", "000000042" },
    }) |case| {
        try make(&record, &.{ .{ "001".*, case[0] }, .{ "001".*, "5" } });
        try std.testing.expectEqualStrings(case[1], &systemNumber(&record, 42));
    }
    try make(&record, &.{});
    try std.testing.expectEqualStrings("000000042", &systemNumber(&record, 42_000_000_042));
}

test "a record ends where another number or leader begins" {
    const a = "000000001 FMT   L BK\n000000001 LDR   L x\n000000001 001   L 1\n";
    const b = "000000002 245   L $$aT\n";
    try std.testing.expectEqual(@as(?usize, a.len), recordEnd(a ++ b, true));
    try std.testing.expectEqual(@as(?usize, a.len), recordEnd(a ++ a, true));
    try std.testing.expectEqual(@as(?usize, a.len), recordEnd(a ++ a[21..], true));
    try std.testing.expectEqual(@as(?usize, a.len + 2), recordEnd(a ++ "x\n" ++ b, true));
    try std.testing.expectEqual(@as(?usize, 2), recordEnd("x\n" ++ b, true));
    try std.testing.expectEqual(@as(?usize, a.len), recordEnd(a, true));
    // How much is shown does not matter.
    for (0..a.len + 21 + 13) |length| try std.testing.expectEqual(null, recordEnd((a ++ a)[0..length], false));
    for (0..a.len + 13) |length| try std.testing.expectEqual(null, recordEnd((a ++ b)[0..length], false));
    try std.testing.expectEqual(@as(?usize, a.len), recordEnd((a ++ b)[0 .. a.len + 13], false));
}

test "a record without 001 gets its system number there" {
    const gpa = std.testing.allocator;
    var record: Record = .init(gpa);
    defer record.deinit();
    const leader = "000000012 LDR   L ^^^^^nam^a22^^^^^^a^4500\n";
    try std.testing.expectEqual(@as(usize, 0), try readWhole(leader, &record, false));
    try expectFields(&.{.{ "001".*, "000000012" }}, &record);
    _ = try readWhole("000000012 FMT   L BK\n" ++ leader ++ "000000012 005   L 2\n", &record, false);
    try expectFields(&.{ .{ "FMT".*, "  \x1faBK" }, .{ "001".*, "000000012" }, .{ "005".*, "2" } }, &record);
    _ = try readWhole(leader ++ "000000012 005   L 2\n000000012 001   L 3", &record, false);
    try expectFields(&.{ .{ "005".*, "2" }, .{ "001".*, "3" } }, &record);
    _ = try readWhole("000000000 LDR   L ^^^^^nam^a22^^^^^^a^4500\n", &record, false);
    try expectFields(&.{}, &record);
}

test "a line that is damaged does not cost the others" {
    const gpa = std.testing.allocator;
    var record: Record = .init(gpa);
    defer record.deinit();
    const leader = "000000012 LDR   L ^^^^^nam^a22^^^^^^a^4500\n";
    const number = .{ "001".*, "000000012" };
    const cases = [_]struct { []const u8, Fields }{
        // A line end inside a value; before a subfield; behind a field without one; behind a control field.
        .{ "000000012 500   L $$aManus\ncripts.$$bx\n", &.{ number, .{ "500".*, "  \x1faManuscripts.\x1fbx" } } },
        .{ "000000012 500   L \nManus\n", &.{ number, .{ "500".*, "  \x1faManus" } } },
        .{ "000000012 008   L ab\nc^d\n", &.{ number, .{ "008".*, "abc d" } } },
        // It goes with a line that cannot be read itself, or with the leader.
        .{ "000000012 5\u{e9}0   L $$aManus\ncripts.\n000000012 005   L 1", &.{ number, .{ "005".*, "1" } } },
        .{ "cripts.\n000000012 005   L 1", &.{ number, .{ "005".*, "1" } } },
        // A number that is none; text before the first subfield.
        .{ "0000000l2 500   L $$aT\n", &.{ number, .{ "500".*, "  \x1faT" } } },
        .{ "000000012 500   L T$$bU\n", &.{ number, .{ "500".*, "  \x1faT\x1fbU" } } },
        // No UTF-8.
        .{ "000000012 500   L $$aB\xfccher\n", &.{ number, .{ "500".*, "  \x1faB\u{fffd}cher" } } },
        // Nothing to be kept.
        .{ "000000012 005 1 L 1\n", &.{number} },
        .{ "000000012 500  \t L $$aT\n", &.{number} },
        .{ "000000012 500   L $$aT$$\n", &.{number} },
        .{ "000000012 500   L $$\tT\n", &.{number} },
        .{ "000000012 500   L $$aT\x1f\n", &.{number} },
        .{ "000000012 008   L \x1e\n", &.{number} },
        .{ "000000012 500  L $$aT\n", &.{number} },
        .{ "000000012500   L $$aT\n", &.{number} },
    };
    for (cases) |case| {
        const text = try std.mem.concat(gpa, u8, &.{ leader, case[0] });
        defer gpa.free(text);
        try std.testing.expect(try readWhole(text, &record, true) > 0);
        try expectFields(case[1], &record);
        try std.testing.expectError(error.Problem, readWhole(text, &record, false));
    }
    for ([_][]const u8{ "", leader[0..41] ++ "\n" }) |bad| {
        const text = try std.mem.concat(gpa, u8, &.{ bad, "000000012 005   L 1" });
        defer gpa.free(text);
        try std.testing.expectEqual(@as(usize, 1), try readWhole(text, &record, true));
        try expectFields(&.{ number, .{ "005".*, "1" } }, &record);
        try std.testing.expectError(error.Problem, readWhole(text, &record, false));
    }
    try std.testing.expectError(error.Problem, readWhole("nothing\n", &record, true));
    // A record that ends where its content should begin, or before.
    for ([_][]const u8{ "LDR", "001", "500", "FMT" }) |tag| for (10..head_length + 1) |length| {
        const text = try std.mem.concat(gpa, u8, &.{ "000000012 ", tag, "   L " });
        defer gpa.free(text);
        const cut = text[0..length];
        if (readWhole(cut, &record, true)) |_| {} else |err| try std.testing.expectEqual(error.Problem, err);
        try std.testing.expectError(error.Problem, readWhole(cut, &record, false));
    };
}
