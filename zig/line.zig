//! The line format of yaz-marcdump, to be looked at: the leader on a line, a line for each field, with a
//! blank before and behind each subfield's `$` and code, and a blank line. Nothing is escaped, so nobody
//! can tell a value's `$` from a subfield's: it is only written.

const std = @import("std");
const record_module = @import("record.zig");
const problem_module = @import("problem.zig");
const Buffer = @import("buffer.zig").Buffer;
const Class = @import("scan.zig").Class;
const Cursor = @import("cursor.zig").Cursor;
const Error = problem_module.Error;
const Problem = problem_module.Problem;
const Record = record_module.Record;

const delimiter: Class = .{ .others = &.{record_module.subfield_delimiter} };

/// Append one record and the blank line behind it.
pub fn write(out: *Buffer, record: *const Record, problem: *Problem) Error!void {
    const mark = out.length();
    errdefer out.shrink(mark);
    var cursor: Cursor = try .enter(out);
    const leader = cursor.form("00000nam a2200000   4500");
    leader.* = record.leader;
    leader[9] = 'a';
    cursor.literal("\n");
    const bytes = record.sight();
    for (record.fields.items) |field| {
        try cursor.ensure();
        cursor.form("000 ")[0..3].* = field.tag;
        if (record_module.isControlTag(field.tag)) {
            try controlField(&cursor, bytes, field.start, field.end);
        } else {
            dataField(&cursor, bytes, field.start, field.end, problem) catch |err| {
                if (err == error.Problem) problem.setTag(field.tag);
                return err;
            };
        }
        cursor.literal("\n");
    }
    cursor.literal("\n");
    cursor.leave();
}

/// The content stands in `bytes` from `start` to `end`.
inline fn controlField(cursor: *Cursor, bytes: []const u8, start: usize, end: usize) Error!void {
    var at = start;
    while (true) : (at += 1) {
        at = try cursor.until(delimiter, bytes, at, end);
        if (at == end) return;
        cursor.literal("\x1f");
    }
}

inline fn dataField(cursor: *Cursor, bytes: []const u8, start: usize, end: usize, problem: *Problem) Error!void {
    try record_module.checkIndicators(bytes[start..end], problem);
    cursor.form("00").* = bytes[start..][0..2].*;
    var at = start + 2;
    while (at < end) {
        const code = try record_module.takeCode(bytes[at..end], problem);
        cursor.literal(" $");
        for (code) |byte| cursor.form("0")[0] = byte;
        cursor.literal(" ");
        at = try cursor.until(delimiter, bytes, at + 1 + code.len, end);
    }
}

test "each subfield stands between blanks" {
    const gpa = std.testing.allocator;
    var problem: Problem = .{};
    var record: Record = .init(gpa);
    defer record.deinit();
    record.leader = "00000nam  22000007a 4500".*;
    for ([_]struct { [3]u8, []const u8 }{
        .{ "001".*, " 1\x1f" },
        .{ "245".*, "1 \x1faOdes \x1f\u{e9}\x1fc$5" },
        .{ "500".*, "  " },
    }) |entry| {
        try record.beginField(entry[0]);
        try record.append(entry[1]);
        record.endField();
    }
    record.seal();
    var out: Buffer = .{ .gpa = gpa };
    defer out.deinit();
    try write(&out, &record, &problem);
    try std.testing.expectEqualStrings("00000nam a22000007a 4500\n" ++
        "001  1\x1f\n245 1  $a Odes  $\u{e9}  $c $5\n500   \n\n", out.items());
}
