//! MRK, the text form of MarcEdit and of the Library of Congress's MARCMaker: a line for the
//! leader and for each field, `=TAG`, two blanks and the content; a blank line behind each record.
//!
//! A blank is `\` in control fields and indicators and stands for itself in the leader and in
//! values; `$` begins a subfield. What would be taken for markup is written as a mnemonic in
//! braces. Lossless: reading gives back what was written.

const std = @import("std");
const scan = @import("scan.zig");
const utf8 = @import("utf8.zig");
const record_module = @import("record.zig");
const problem_module = @import("problem.zig");
const Buffer = @import("buffer.zig").Buffer;
const Cursor = @import("cursor.zig").Cursor;
const Error = problem_module.Error;
const Problem = problem_module.Problem;
const Reader = @import("lines.zig").Reader;
const Record = record_module.Record;

const subfield_delimiter = record_module.subfield_delimiter;

/// MARCMaker's mnemonics for the ASCII characters that have one.
const mnemonics = [_]struct { name: []const u8, character: u8 }{
    .{ .name = "dollar", .character = '$' },
    .{ .name = "lcub", .character = '{' },
    .{ .name = "rcub", .character = '}' },
    .{ .name = "bsol", .character = '\\' },
    .{ .name = "esc", .character = 0x1b },
    .{ .name = "amp", .character = '&' },
    .{ .name = "ast", .character = '*' },
    .{ .name = "bs", .character = '\\' },
    .{ .name = "circ", .character = '^' },
    .{ .name = "colon", .character = ':' },
    .{ .name = "comma", .character = ',' },
    .{ .name = "commat", .character = '@' },
    .{ .name = "equals", .character = '=' },
    .{ .name = "excl", .character = '!' },
    .{ .name = "grave", .character = '`' },
    .{ .name = "gt", .character = '>' },
    .{ .name = "lpar", .character = '(' },
    .{ .name = "lsqb", .character = '[' },
    .{ .name = "lt", .character = '<' },
    .{ .name = "num", .character = '#' },
    .{ .name = "percnt", .character = '%' },
    .{ .name = "period", .character = '.' },
    .{ .name = "plus", .character = '+' },
    .{ .name = "quest", .character = '?' },
    .{ .name = "quot", .character = '"' },
    .{ .name = "rpar", .character = ')' },
    .{ .name = "rsqb", .character = ']' },
    .{ .name = "semi", .character = ';' },
    .{ .name = "sol", .character = '/' },
    .{ .name = "space", .character = ' ' },
    .{ .name = "tilde", .character = '~' },
    .{ .name = "verbar", .character = '|' },
};

/// Where text stands says which bytes need a mnemonic.
const Place = enum { fixed, value };

// Read back, a bare backslash would be a blank there.
const special_leader: scan.Class = .{ .below = ' ', .others = "${}\\\x7f" };
const special_fixed: scan.Class = .{ .below = ' ' + 1, .others = "${}\\\x7f" };
const special_value: scan.Class = .{ .below = ' ', .others = "${}\x7f" };

/// Append one record and the blank line behind it.
pub fn write(out: *Buffer, record: *const Record, problem: *Problem) Error!void {
    const mark = out.length();
    errdefer out.shrink(mark);
    var cursor: Cursor = try .enter(out);
    cursor.literal("=LDR  ");
    var leader: [scan.block_length]u8 = @splat(0);
    leader[0..record.leader.len].* = record.leader;
    leader[9] = 'a';
    try putText(special_leader, &cursor, &leader, 0, record.leader.len);
    cursor.literal("\n");
    for (record.fields.items) |field| {
        if (isLeaderTag(field.tag)) {
            problem.set(.tag_invalid, 0, &field.tag, "a field with this tag would be read as the leader in MRK", .{}) catch {};
            problem.setTag(field.tag);
            return error.Problem;
        }
        try cursor.ensure();
        cursor.form("=000  ")[1..4].* = field.tag;
        if (record_module.isControlTag(field.tag)) {
            try putText(special_fixed, &cursor, record.sight(), field.start, field.end);
        } else {
            dataField(&cursor, record.sight(), field.start, field.end, problem) catch |err| {
                if (err == error.Problem) problem.setTag(field.tag);
                return err;
            };
        }
        cursor.literal("\n");
    }
    cursor.literal("\n");
    cursor.leave();
}

fn isLeaderTag(tag: record_module.Tag) bool {
    return std.mem.eql(u8, &tag, "LDR") or std.mem.eql(u8, &tag, "000");
}

/// The content stands in `bytes` from `start` to `end`.
inline fn dataField(cursor: *Cursor, bytes: []const u8, start: usize, end: usize, problem: *Problem) Error!void {
    try record_module.checkIndicators(bytes[start..end], problem);
    if (scan.isPlain(special_leader, bytes[start..][0..2])) {
        const indicators = cursor.form("00");
        for (indicators, bytes[start..][0..2]) |*to, from| to.* = if (from == ' ') '\\' else from;
    } else try putText(special_fixed, cursor, bytes, start, start + 2);
    var at = start + 2;
    while (at < end) {
        _ = try record_module.takeCode(bytes[at..end], problem);
        cursor.literal("$");
        // The code is escaped as the value is.
        at = try cursor.text(special_value, escape, cursor.out, bytes, at + 1, end);
    }
}

/// Put text that may hold a subfield delimiter.
inline fn putText(comptime special: scan.Class, cursor: *Cursor, bytes: []const u8, start: usize, end: usize) Error!void {
    var at = start;
    while (true) {
        at = try cursor.text(special, escape, cursor.out, bytes, at, end);
        if (at == end) return;
        cursor.literal("{U+001F}");
        at += 1;
    }
}

/// Append what stands for the byte that `bytes` begins with.
fn escape(out: *Buffer, bytes: []const u8) Error!usize {
    @branchHint(.cold);
    switch (bytes[0]) {
        ' ' => try out.byte('\\'),
        '$' => try out.literal("{dollar}"),
        '{' => try out.literal("{lcub}"),
        '}' => try out.literal("{rcub}"),
        '\\' => try out.literal("{bsol}"),
        0x1b => try out.literal("{esc}"),
        else => |byte| try out.print("{{U+{X:0>4}}}", .{byte}),
    }
    return 1;
}

// ---- reading, see `lines.zig`

pub const syntax: problem_module.Code = .mrk_syntax;
pub const leader_missing = "a record should begin with its leader, =LDR";

/// How far the record at the start of `data` goes: up to a blank line or the next leader. Null: it goes on
/// behind the input.
pub fn recordEnd(data: []const u8, final: bool) ?usize {
    var at: usize = 0;
    while (at < data.len) {
        const end = std.mem.indexOfScalarPos(u8, data, at, '\n') orelse return if (final) data.len else null;
        const next = end + 1;
        if (at > 0 and std.mem.trimEnd(u8, data[at..end], "\r").len == 0) return next;
        // Whether the next line is a leader shows in its first four bytes.
        if (data.len - next < 4 and !final) return null;
        if (std.mem.startsWith(u8, data[next..], "=LDR") or std.mem.startsWith(u8, data[next..], "=000")) return next;
        at = next;
    }
    return if (final) data.len else null;
}

pub fn readLine(reader: *Reader, line: []const u8, at: usize, record: *Record) Error!void {
    const problem = reader.problem;
    if (line.len < 4 or line[0] != '=' or !record_module.isTag(line[1..4])) {
        return problem.set(.mrk_syntax, at, line[0..@min(line.len, 12)], "a line should begin with = and a tag", .{});
    }
    const tag = line[1..4].*;
    const content = if (line.len >= 6 and line[4] == ' ' and line[5] == ' ') line[6..] else {
        problem.set(.mrk_syntax, at + 4, line[4..], "two blanks should stand between the tag and the content", .{}) catch {};
        problem.setTag(tag);
        return error.Problem;
    };
    if (isLeaderTag(tag)) return readLeader(reader, content, at, record);
    readField(problem, tag, content, at + 6, record) catch |err| {
        if (err == error.Problem) problem.setTag(tag);
        return err;
    };
}

pub fn endRecord(_: *Reader, _: *Record) Error!void {}

fn readLeader(reader: *Reader, content: []const u8, at: usize, record: *Record) Error!void {
    var rest = content;
    var length: usize = 0;
    while (rest.len > 0) : (length += 1) {
        const unit = takeUnit(rest);
        if (length >= record_module.leader_length or !isPrintable(unit)) break;
        // MarcEdit writes a blank in the leader as `\`, too.
        const is_blank = unit.character == '\\' and unit.length == 1;
        record.leader[length] = if (is_blank) ' ' else @intCast(unit.character);
        rest = rest[unit.length..];
    }
    if (rest.len > 0 or length != record_module.leader_length) {
        reader.problem.set(.leader_invalid, at, content, "a leader has 24 ASCII characters", .{}) catch {};
        return reader.putUpWithLeader(record);
    }
    reader.has_leader = true;
}

fn readField(problem: *Problem, tag: record_module.Tag, content: []const u8, at: usize, record: *Record) Error!void {
    try record.beginField(tag);
    if (record_module.isControlTag(tag)) {
        try readText(problem, .fixed, content, at, record);
        return record.endField();
    }
    var rest = content;
    for (0..2) |_| {
        const unit = takeUnit(rest);
        if (!isPrintable(unit) or (unit.character == '$' and unit.length == 1)) {
            return problem.set(.indicators_invalid, at, content[0..@min(content.len, 4)], "two indicators were expected", .{});
        }
        try record.append(&.{if (unit.character == '\\' and unit.length == 1) ' ' else @intCast(unit.character)});
        rest = rest[unit.length..];
    }
    if (rest.len > 0 and rest[0] != '$') {
        return problem.set(.mrk_syntax, at + (content.len - rest.len), rest[0..@min(rest.len, 4)], "a subfield should begin with $ behind the indicators", .{});
    }
    while (rest.len > 0) {
        const end = std.mem.indexOfScalarPos(u8, rest, 1, '$') orelse rest.len;
        if (end == 1) {
            return problem.set(.subfield_code_invalid, at + (content.len - rest.len), rest[0..1], "a $ has no subfield code behind it", .{});
        }
        try record.append(&.{subfield_delimiter});
        try readText(problem, .value, rest[1..end], at + (content.len - rest.len) + 1, record);
        rest = rest[end..];
    }
    record.endField();
}

fn readText(problem: *Problem, comptime place: Place, text: []const u8, at: usize, record: *Record) Error!void {
    const special: scan.Class = if (place == .fixed) .{ .below = ' ', .others = "{\\" } else .{ .below = ' ', .others = "{" };
    var rest = text;
    while (rest.len > 0) {
        const plain = scan.indexOf(special, rest);
        try record.append(rest[0..plain]);
        rest = rest[plain..];
        if (rest.len == 0) return;
        const unit = takeUnit(rest);
        const character: u21 = if (place == .fixed and unit.length == 1 and unit.character == '\\') ' ' else unit.character;
        // In a value a delimiter would begin a subfield of its own.
        const is_delimiter = character >= 0x1d and character <= 0x1f and !(place == .fixed and character == 0x1f);
        if (is_delimiter) {
            return problem.set(.delimiter_in_data, at + (text.len - rest.len), rest[0..unit.length], "a delimiter of ISO 2709 cannot stand in a value", .{});
        }
        var bytes: [4]u8 = undefined;
        const length = std.unicode.utf8Encode(character, &bytes) catch unreachable;
        try record.append(bytes[0..length]);
        rest = rest[unit.length..];
    }
}

const Unit = struct { character: u21, length: usize };

fn isPrintable(unit: Unit) bool {
    return unit.character >= ' ' and unit.character <= '~';
}

/// The character or mnemonic that valid UTF-8 begins with; a length of 0 at its end. Braces that
/// hold no known mnemonic stand for themselves: much MRK is written without escapes.
fn takeUnit(text: []const u8) Unit {
    if (text.len == 0) return .{ .character = 0, .length = 0 };
    if (text[0] == '{') if (takeMnemonic(text)) |unit| return unit;
    const decoded = utf8.decode(text);
    return .{ .character = decoded.character, .length = decoded.length };
}

fn takeMnemonic(text: []const u8) ?Unit {
    const name_max = 8;
    const end = std.mem.indexOfScalarPos(u8, text[0..@min(text.len, 1 + name_max + 1)], 1, '}') orelse return null;
    const name = text[1..end];
    for (mnemonics) |mnemonic| {
        if (std.mem.eql(u8, name, mnemonic.name)) return .{ .character = mnemonic.character, .length = end + 1 };
    }
    if (name.len < 6 or !std.mem.startsWith(u8, name, "U+")) return null;
    var character: u32 = 0;
    for (name[2..]) |byte| character = character << 4 | (std.fmt.charToDigit(byte, 16) catch return null);
    if (character > 0x10ffff or (character >= 0xd800 and character < 0xe000)) return null;
    return .{ .character = @intCast(character), .length = end + 1 };
}

fn readAgain(text: []const u8, record: *Record) !void {
    var problem: Problem = .{};
    var reader: Reader = .{ .gpa = record.gpa, .problem = &problem, .mended = .{ .gpa = record.gpa } };
    defer reader.deinit();
    try std.testing.expectEqual(record_module.Step{ .record = text.len }, try reader.next(@This(), text, true, record));
}

test "what is written is read back" {
    const gpa = std.testing.allocator;
    var problem: Problem = .{};
    var record: Record = .init(gpa);
    defer record.deinit();
    record.leader = "00000nam a22000007a 4500".*;
    const contents = [_]struct { [3]u8, []const u8 }{
        .{ "001".*, " a\\b${\x1f}" },
        .{ "245".*, "1 \x1fa {U+0041} $5 \x1b \r\n\x1fb" },
        .{ "FMT".*, "\\$" },
    };
    for (contents) |entry| {
        try record.beginField(entry[0]);
        try record.append(entry[1]);
        record.endField();
    }
    record.seal();
    var out: Buffer = .{ .gpa = gpa };
    defer out.deinit();
    try write(&out, &record, &problem);
    try std.testing.expectEqualStrings("=LDR  00000nam a22000007a 4500\n" ++
        "=001  \\a{bsol}b{dollar}{lcub}{U+001F}{rcub}\n" ++
        "=245  1\\$a {lcub}U+0041{rcub} {dollar}5 {esc} {U+000D}{U+000A}$b\n" ++
        "=FMT  {bsol}{dollar}\n\n", out.items());

    var again: Record = .init(gpa);
    defer again.deinit();
    try readAgain(out.items(), &again);
    for (contents, again.fields.items) |entry, field| {
        try std.testing.expectEqualStrings(&entry[0], &field.tag);
        try std.testing.expectEqualStrings(entry[1], again.content(field));
    }
}

test "a field that would be read as the leader is not written" {
    const gpa = std.testing.allocator;
    var problem: Problem = .{};
    var out: Buffer = .{ .gpa = gpa };
    defer out.deinit();
    for ([_]record_module.Tag{ "000".*, "LDR".* }) |tag| {
        var record: Record = .init(gpa);
        defer record.deinit();
        try record.beginField(tag);
        try record.append("10");
        record.endField();
        record.seal();
        try std.testing.expectError(error.Problem, write(&out, &record, &problem));
        try std.testing.expectEqualStrings(&tag, problem.tag[0..3]);
        try std.testing.expectEqual(@as(usize, 0), out.length());
    }
}

test "a backslash in the leader is read back" {
    const gpa = std.testing.allocator;
    var problem: Problem = .{};
    var record: Record = .init(gpa);
    defer record.deinit();
    record.leader = "00000n\\m a22000007a 4500".*;
    var out: Buffer = .{ .gpa = gpa };
    defer out.deinit();
    try write(&out, &record, &problem);
    var again: Record = .init(gpa);
    defer again.deinit();
    try readAgain(out.items(), &again);
    try std.testing.expectEqualStrings(&record.leader, &again.leader);
}
