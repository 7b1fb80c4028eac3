//! JSON (RFC 8259) in the two forms that MARC has: MARC-in-JSON, an object with `leader` and
//! `fields`, and the flat form that mrrc calls MARCJSON, an array of one-key objects beginning with
//! the leader. Text is UTF-8; only what must be escaped is.

const std = @import("std");
const scan = @import("scan.zig");
const record_module = @import("record.zig");
const problem_module = @import("problem.zig");
const Buffer = @import("buffer.zig").Buffer;
const Error = problem_module.Error;
const Problem = problem_module.Problem;
const Record = record_module.Record;

const special: scan.Class = .{ .below = ' ', .others = "\"\\" };

pub const Form = enum { marc_in_json, marcjson };

/// Append one record on one line, without a line end.
pub fn write(out: *Buffer, record: *const Record, form: Form, problem: *Problem) Error!void {
    const mark = out.length();
    errdefer out.shrink(mark);
    try out.append(if (form == .marcjson) "[{\"leader\":\"" else "{\"leader\":\"");
    var leader = record.leader;
    leader[9] = 'a';
    try text(out, &leader, leader.len);
    try out.append(if (form == .marcjson) "\"}" else "\",\"fields\":[");
    for (record.fields.items, 0..) |field, index| {
        if (index > 0 or form == .marcjson) try out.byte(',');
        const bytes = record.from(field);
        const length = field.end - field.start;
        if (record_module.isControlTag(field.tag)) {
            // The tag is digits: nothing in it needs an escape.
            const head = "{\"000\":\"";
            const start = try out.addArray(head.len);
            start.* = head.*;
            start[2..5].* = field.tag;
            try text(out, bytes, length);
            try out.literal("\"}");
            continue;
        }
        dataField(out, field.tag, bytes, length, problem) catch |err| {
            if (err == error.Problem) problem.setTag(field.tag);
            return err;
        };
    }
    try out.append(if (form == .marcjson) "]" else "]}");
}

/// `bytes` begins with the content, which has `length` bytes.
fn dataField(out: *Buffer, tag: record_module.Tag, bytes: []const u8, length: usize, problem: *Problem) Error!void {
    const content = bytes[0..length];
    try record_module.checkIndicators(content, problem);
    const names = [5]u8{ tag[0], tag[1], tag[2], content[0], content[1] };
    if (scan.indexOf(special, &names) == names.len) {
        const head = "{\"000\":{\"ind1\":\"0\",\"ind2\":\"0\",\"subfields\":[";
        const start = try out.addArray(head.len);
        start.* = head.*;
        start[2..5].* = tag;
        start[16] = content[0];
        start[27] = content[1];
    } else {
        try out.literal("{\"");
        try text(out, &tag, tag.len);
        try out.literal("\":{\"ind1\":\"");
        try text(out, content[0..1], 1);
        try out.literal("\",\"ind2\":\"");
        try text(out, content[1..2], 1);
        try out.literal("\",\"subfields\":[");
    }
    var at: usize = 2;
    while (at < length) {
        const code = try record_module.takeCode(content[at..], problem);
        if (at > 2) try out.byte(',');
        if (code.len == 1 and scan.indexOf(special, code) == 1) {
            (try out.addArray(6)).* = .{ '{', '"', code[0], '"', ':', '"' };
        } else {
            try out.literal("{\"");
            try text(out, code, code.len);
            try out.literal("\":\"");
        }
        at += 1 + code.len;
        at += try textUntilDelimiter(out, bytes[at..], length - at);
        try out.literal("\"}");
    }
    try out.literal("]}}");
}

fn text(out: *Buffer, bytes: []const u8, length: usize) Error!void {
    var at: usize = 0;
    while (true) {
        at += try textUntilDelimiter(out, bytes[at..], length - at);
        if (at == length) return;
        try out.literal("\\u001f");
        at += 1;
    }
}

/// Append escaped text, `length` bytes or up to a subfield delimiter; how many bytes that were.
fn textUntilDelimiter(out: *Buffer, bytes: []const u8, length: usize) Error!usize {
    var at: usize = 0;
    while (true) {
        at += try scan.appendUntil(special, out, bytes[at..], length - at);
        if (at == length or bytes[at] == record_module.subfield_delimiter) return at;
        switch (bytes[at]) {
            '"' => try out.literal("\\\""),
            '\\' => try out.literal("\\\\"),
            '\n' => try out.literal("\\n"),
            '\r' => try out.literal("\\r"),
            '\t' => try out.literal("\\t"),
            else => |byte| try out.print("\\u{x:0>4}", .{byte}),
        }
        at += 1;
    }
}
