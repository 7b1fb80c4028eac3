//! JSON (RFC 8259) in the two forms that MARC has: MARC-in-JSON, an object with `leader` and
//! `fields`, and the flat form that mrrc calls MARCJSON, an array of one-key objects beginning with
//! the leader. Text is UTF-8; only what must be escaped is. And MARC-in-JSON byte for byte as pymarc
//! makes it with Python's `json.dumps`, for programs that compare: all in ASCII, the leader as it is.

const std = @import("std");
const scan = @import("scan.zig");
const utf8 = @import("utf8.zig");
const record_module = @import("record.zig");
const problem_module = @import("problem.zig");
const Buffer = @import("buffer.zig").Buffer;
const Cursor = @import("cursor.zig").Cursor;
const Error = problem_module.Error;
const Problem = problem_module.Problem;
const Record = record_module.Record;

pub const Form = enum {
    marc_in_json,
    marcjson,
    /// A blank stands behind each comma and colon.
    pymarc,
    pymarc_compact,

    inline fn comma(comptime form: Form) []const u8 {
        return if (form == .pymarc) ", " else ",";
    }

    inline fn colon(comptime form: Form) []const u8 {
        return if (form == .pymarc) ": " else ":";
    }

    inline fn isAscii(comptime form: Form) bool {
        return form == .pymarc or form == .pymarc_compact;
    }

    /// What cannot simply be copied.
    inline fn special(comptime form: Form) scan.Class {
        return .{ .below = ' ', .above = if (form.isAscii()) '~' else 0xff, .others = "\"\\" };
    }
};

/// Append one record on one line, without a line end.
pub fn write(comptime form: Form, out: *Buffer, record: *const Record, problem: *Problem) Error!void {
    const mark = out.length();
    errdefer out.shrink(mark);
    var cursor: Cursor = try .enter(out);
    cursor.literal((if (form == .marcjson) "[" else "") ++ "{\"leader\"" ++ form.colon() ++ "\"");
    var leader: [scan.block_length]u8 = @splat(0);
    leader[0..record.leader.len].* = record.leader;
    if (!form.isAscii()) leader[9] = 'a';
    try text(form, &cursor, &leader, 0, record.leader.len);
    cursor.literal(if (form == .marcjson) "\"}," else "\"" ++ form.comma() ++ "\"fields\"" ++ form.colon() ++ "[");
    const bytes = record.sight();
    for (record.fields.items) |field| {
        try cursor.ensure();
        if (record_module.isControlTag(field.tag)) {
            // The tag is digits: nothing in it needs an escape.
            cursor.form("{\"000\"" ++ form.colon() ++ "\"")[2..5].* = field.tag;
            try text(form, &cursor, bytes, field.start, field.end);
            cursor.literal("\"}" ++ form.comma());
            continue;
        }
        dataField(form, &cursor, field.tag, bytes, field.start, field.end, problem) catch |err| {
            if (err == error.Problem) problem.setTag(field.tag);
            return err;
        };
    }
    // Behind the last stands no comma.
    if (form == .marcjson or record.fields.items.len > 0) cursor.at -= form.comma().len;
    cursor.literal(if (form == .marcjson) "]" else "]}");
    cursor.leave();
}

/// The content stands in `bytes` from `start` to `end`.
inline fn dataField(comptime form: Form, cursor: *Cursor, tag: record_module.Tag, bytes: []const u8, start: usize, end: usize, problem: *Problem) Error!void {
    const special = comptime form.special();
    if (record_module.hasIndicators(bytes[start..end]) and scan.isPlain(special, &.{ tag[0], tag[1], tag[2], bytes[start], bytes[start + 1] })) {
        const ind1 = "{\"000\"" ++ form.colon() ++ "{\"ind1\"" ++ form.colon() ++ "\"";
        const ind2 = "0\"" ++ form.comma() ++ "\"ind2\"" ++ form.colon() ++ "\"";
        const head = cursor.form(ind1 ++ ind2 ++ "0\"" ++ form.comma() ++ "\"subfields\"" ++ form.colon() ++ "[");
        head[2..5].* = tag;
        head[ind1.len] = bytes[start];
        head[ind1.len + ind2.len] = bytes[start + 1];
    } else {
        cursor.leave();
        try oddHead(form, cursor.out, tag, bytes[start..end], problem);
        cursor.* = try .enter(cursor.out);
    }
    var at = start + 2;
    while (at < end) {
        if (end - at > 1 and scan.isPlain(special, bytes[at + 1 ..][0..1])) {
            cursor.form("{\"a\"" ++ form.colon() ++ "\"")[2] = bytes[at + 1];
            at += 2;
        } else {
            cursor.leave();
            at += try oddCode(form, cursor.out, bytes[at..end], problem);
            cursor.* = try .enter(cursor.out);
        }
        at = try textUntilDelimiter(form, cursor, bytes, at, end);
        cursor.literal("\"}" ++ form.comma());
    }
    if (end - start > 2) cursor.at -= form.comma().len;
    cursor.literal("]}}" ++ form.comma());
}

/// A head that may need escapes.
fn oddHead(comptime form: Form, out: *Buffer, tag: record_module.Tag, content: []const u8, problem: *Problem) Error!void {
    try record_module.checkIndicators(content, problem);
    try out.literal("{\"");
    try shortText(form, out, &tag);
    try out.literal("\"" ++ form.colon() ++ "{\"ind1\"" ++ form.colon() ++ "\"");
    try shortText(form, out, content[0..1]);
    try out.literal("\"" ++ form.comma() ++ "\"ind2\"" ++ form.colon() ++ "\"");
    try shortText(form, out, content[1..2]);
    try out.literal("\"" ++ form.comma() ++ "\"subfields\"" ++ form.colon() ++ "[");
}

/// The code of the subfield whose delimiter `rest` begins with: how many bytes both are.
fn oddCode(comptime form: Form, out: *Buffer, rest: []const u8, problem: *Problem) Error!usize {
    const code = try record_module.takeCode(rest, problem);
    try out.literal("{\"");
    try shortText(form, out, code);
    try out.literal("\"" ++ form.colon() ++ "\"");
    return 1 + code.len;
}

/// Append a text by itself, in quotation marks.
pub fn string(out: *Buffer, bytes: []const u8) error{OutOfMemory}!void {
    try out.byte('"');
    shortText(.marc_in_json, out, bytes) catch |err| switch (err) {
        error.OutOfMemory => return error.OutOfMemory,
        error.Problem => unreachable, // all bytes can be escaped
    };
    try out.byte('"');
}

fn shortText(comptime form: Form, out: *Buffer, bytes: []const u8) Error!void {
    var cursor: Cursor = try .enter(out);
    try text(form, &cursor, bytes, 0, bytes.len);
    cursor.leave();
}

/// Put text that may hold a subfield delimiter.
inline fn text(comptime form: Form, cursor: *Cursor, bytes: []const u8, start: usize, end: usize) Error!void {
    var at = start;
    while (true) {
        at = try textUntilDelimiter(form, cursor, bytes, at, end);
        if (at == end) return;
        cursor.literal("\\u001f");
        at += 1;
    }
}

inline fn textUntilDelimiter(comptime form: Form, cursor: *Cursor, bytes: []const u8, start: usize, end: usize) Error!usize {
    return cursor.text(comptime form.special(), if (form.isAscii()) escapeAscii else escape, cursor.out, bytes, start, end);
}

/// Append the character that `bytes` begins with, which is one of `special`; its length.
fn escape(out: *Buffer, bytes: []const u8) Error!usize {
    @branchHint(.cold);
    switch (bytes[0]) {
        '"' => try out.literal("\\\""),
        '\\' => try out.literal("\\\\"),
        '\n' => try out.literal("\\n"),
        '\r' => try out.literal("\\r"),
        '\t' => try out.literal("\\t"),
        else => |byte| try out.print("\\u{x:0>4}", .{byte}),
    }
    return 1;
}

/// The same as Python escapes them.
fn escapeAscii(out: *Buffer, bytes: []const u8) Error!usize {
    @branchHint(.cold);
    switch (bytes[0]) {
        0x08 => try out.literal("\\b"),
        0x0c => try out.literal("\\f"),
        0x80...0xff => {
            const next = utf8.decode(bytes);
            const character: u32 = next.character;
            if (character < 0x10000) {
                try out.print("\\u{x:0>4}", .{character});
            } else {
                try out.print("\\u{x:0>4}\\u{x:0>4}", .{ 0xd7c0 + (character >> 10), 0xdc00 + (character & 0x3ff) });
            }
            return next.length;
        },
        else => return escape(out, bytes),
    }
    return 1;
}
