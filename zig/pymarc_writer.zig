//! MARCXML and MARC-in-JSON byte for byte as pymarc writes them, for programs that compare: the
//! XML that Python's ElementTree makes, without white space and with `<subfield code="a" />` for an
//! empty element, and the JSON of its `json.dumps`, all in ASCII. The leader is written as it is.
//! A carriage return in XML is `&#xD;` here, where pymarc's bare one would be read as a line feed.

const std = @import("std");
const marcxml_writer = @import("marcxml_writer.zig");
const record_module = @import("record.zig");
const scan = @import("scan.zig");
const utf8 = @import("utf8.zig");
const problem_module = @import("problem.zig");
const Buffer = @import("buffer.zig").Buffer;
const Error = problem_module.Error;
const Problem = problem_module.Problem;
const Record = record_module.Record;

/// Append one `record` element.
pub fn xml(writer: *marcxml_writer.Writer, record: *const Record) Error!void {
    const out = writer.out;
    const mark = out.length();
    errdefer out.shrink(mark);
    try out.literal("<record><leader>");
    try writer.text(&record.leader, record.leader.len);
    try out.literal("</leader>");
    for (record.fields.items) |field| {
        const written = if (record_module.isControlTag(field.tag))
            xmlControlField(writer, field.tag, record.from(field), field.end - field.start)
        else
            xmlDataField(writer, field.tag, record.from(field), field.end - field.start);
        written catch |err| {
            if (err == error.Problem) writer.problem.setTag(field.tag);
            return err;
        };
    }
    try out.literal("</record>");
}

fn xmlControlField(writer: *marcxml_writer.Writer, tag: record_module.Tag, bytes: []const u8, length: usize) Error!void {
    try writer.out.literal("<controlfield tag=\"");
    try writer.out.append(&tag);
    if (length == 0) return writer.out.literal("\" />");
    try writer.out.literal("\">");
    try writer.text(bytes, length);
    try writer.out.literal("</controlfield>");
}

fn xmlDataField(writer: *marcxml_writer.Writer, tag: record_module.Tag, bytes: []const u8, length: usize) Error!void {
    const out = writer.out;
    const content = bytes[0..length];
    try record_module.checkIndicators(content, writer.problem);
    try out.literal("<datafield ind1=\"");
    try writer.attribute(content[0..1]);
    try out.literal("\" ind2=\"");
    try writer.attribute(content[1..2]);
    try out.literal("\" tag=\"");
    try writer.attribute(&tag);
    if (length == 2) return out.literal("\" />");
    try out.literal("\">");
    var at: usize = 2;
    while (at < length) {
        const code = try record_module.takeCode(content[at..], writer.problem);
        at += 1 + code.len;
        try out.literal("<subfield code=\"");
        try writer.attribute(code);
        if (at == length or content[at] == record_module.subfield_delimiter) {
            try out.literal("\" />");
            continue;
        }
        try out.literal("\">");
        at += try writer.textUntilDelimiter(bytes[at..], length - at);
        try out.literal("</subfield>");
    }
    try out.literal("</datafield>");
}

/// What stands behind a comma and behind a colon: a blank, or nothing.
pub const Spacing = enum { blank, none };

/// Append one JSON object.
pub fn json(out: *Buffer, record: *const Record, comptime spacing: Spacing, problem: *Problem) Error!void {
    const mark = out.length();
    errdefer out.shrink(mark);
    const comma = comptime if (spacing == .blank) ", " else ",";
    const colon = comptime if (spacing == .blank) ": " else ":";
    try out.literal("{\"leader\"" ++ colon ++ "\"");
    try jsonText(out, &record.leader);
    try out.literal("\"" ++ comma ++ "\"fields\"" ++ colon ++ "[");
    for (record.fields.items, 0..) |field, index| {
        const content = record.content(field);
        if (index > 0) try out.literal(comma);
        try out.literal("{\"");
        try jsonText(out, &field.tag);
        if (record_module.isControlTag(field.tag)) {
            try out.literal("\"" ++ colon ++ "\"");
            try jsonText(out, content);
            try out.literal("\"}");
            continue;
        }
        errdefer problem.setTag(field.tag);
        try record_module.checkIndicators(content, problem);
        try out.literal("\"" ++ colon ++ "{\"ind1\"" ++ colon ++ "\"");
        try jsonText(out, content[0..1]);
        try out.literal("\"" ++ comma ++ "\"ind2\"" ++ colon ++ "\"");
        try jsonText(out, content[1..2]);
        try out.literal("\"" ++ comma ++ "\"subfields\"" ++ colon ++ "[");
        var at: usize = 2;
        while (at < content.len) {
            const code = try record_module.takeCode(content[at..], problem);
            if (at > 2) try out.literal(comma);
            try out.literal("{\"");
            try jsonText(out, code);
            try out.literal("\"" ++ colon ++ "\"");
            at += 1 + code.len;
            const end = std.mem.indexOfScalarPos(u8, content, at, record_module.subfield_delimiter) orelse content.len;
            try jsonText(out, content[at..end]);
            try out.literal("\"}");
            at = end;
        }
        try out.literal("]}}");
    }
    try out.literal("]}");
}

const special: scan.Class = .{ .below = ' ', .above = '~', .others = "\"\\" };

fn jsonText(out: *Buffer, text: []const u8) Error!void {
    var at: usize = 0;
    while (true) {
        at += try scan.appendUntil(special, out, text[at..], text.len - at);
        if (at == text.len) return;
        switch (text[at]) {
            '"' => try out.literal("\\\""),
            '\\' => try out.literal("\\\\"),
            '\n' => try out.literal("\\n"),
            '\r' => try out.literal("\\r"),
            '\t' => try out.literal("\\t"),
            0x08 => try out.literal("\\b"),
            0x0c => try out.literal("\\f"),
            0x80...0xff => {
                const next = utf8.decode(text[at..]);
                at += next.length;
                const character: u32 = next.character;
                if (character < 0x10000) {
                    try out.print("\\u{x:0>4}", .{character});
                } else {
                    try out.print("\\u{x:0>4}\\u{x:0>4}", .{ 0xd7c0 + (character >> 10), 0xdc00 + (character & 0x3ff) });
                }
                continue;
            },
            else => |byte| try out.print("\\u{x:0>4}", .{byte}),
        }
        at += 1;
    }
}
