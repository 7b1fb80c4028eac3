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
    try text(out, &leader);
    try out.append(if (form == .marcjson) "\"}" else "\",\"fields\":[");
    for (record.fields.items, 0..) |field, index| {
        if (index > 0 or form == .marcjson) try out.byte(',');
        try out.append("{\"");
        try text(out, &field.tag);
        const content = record.content(field);
        if (record_module.isControlTag(field.tag)) {
            try out.append("\":\"");
            try text(out, content);
            try out.append("\"}");
            continue;
        }
        dataField(out, content, problem) catch |err| {
            if (err == error.Problem) problem.setTag(field.tag);
            return err;
        };
    }
    try out.append(if (form == .marcjson) "]" else "]}");
}

fn dataField(out: *Buffer, content: []const u8, problem: *Problem) Error!void {
    try record_module.checkIndicators(content, problem);
    try out.append("\":{\"ind1\":\"");
    try text(out, content[0..1]);
    try out.append("\",\"ind2\":\"");
    try text(out, content[1..2]);
    try out.append("\",\"subfields\":[");
    var rest = content[2..];
    var separator: []const u8 = "{\"";
    while (rest.len > 0) {
        const code = try record_module.takeCode(rest, problem);
        try out.append(separator);
        separator = ",{\"";
        try text(out, code);
        try out.append("\":\"");
        rest = rest[1 + code.len ..];
        rest = rest[try textUntilDelimiter(out, rest)..];
        try out.append("\"}");
    }
    try out.append("]}}");
}

fn text(out: *Buffer, bytes: []const u8) Error!void {
    var rest = bytes;
    while (true) {
        rest = rest[try textUntilDelimiter(out, rest)..];
        if (rest.len == 0) return;
        try out.append("\\u001f");
        rest = rest[1..];
    }
}

/// Append escaped text up to a subfield delimiter; how many bytes that were.
fn textUntilDelimiter(out: *Buffer, bytes: []const u8) Error!usize {
    var at: usize = 0;
    while (true) {
        at += try scan.appendUntil(special, out, bytes[at..]);
        if (at == bytes.len or bytes[at] == record_module.subfield_delimiter) return at;
        switch (bytes[at]) {
            '"' => try out.append("\\\""),
            '\\' => try out.append("\\\\"),
            '\n' => try out.append("\\n"),
            '\r' => try out.append("\\r"),
            '\t' => try out.append("\\t"),
            else => |byte| try out.print("\\u{x:0>4}", .{byte}),
        }
        at += 1;
    }
}
