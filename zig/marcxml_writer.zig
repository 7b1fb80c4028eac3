//! MARCXML by the Library of Congress's MARC21 slim schema. What comes out is always well-formed
//! XML 1.0: markup characters and carriage returns are escaped, a character that XML forbids is an
//! error or, if asked for, becomes U+FFFD.

const std = @import("std");
const scan = @import("scan.zig");
const record_module = @import("record.zig");
const problem_module = @import("problem.zig");
const Buffer = @import("buffer.zig").Buffer;
const Error = problem_module.Error;
const Problem = problem_module.Problem;
const Record = record_module.Record;

const namespace = "xmlns=\"http://www.loc.gov/MARC21/slim\"";
pub const collection_start = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<collection " ++ namespace ++ ">\n";
pub const collection_end = "</collection>\n";

/// Bytes that cannot simply be copied. EF begins U+FFFE and U+FFFF, which XML forbids.
const special: scan.Class = .{ .below = ' ', .others = "&<>\xef" };

pub const Writer = struct {
    out: *Buffer,
    problem: *Problem,
    /// Write U+FFFD for a character that XML forbids, rather than report it.
    replace_forbidden: bool,
    /// How many characters were replaced.
    replaced: u64 = 0,

    /// Append one `record` element, with the namespace where no `collection` gives it.
    pub fn record(self: *Writer, source: *const Record, is_single: bool) Error!void {
        const mark = self.out.length();
        errdefer self.out.shrink(mark);
        try self.out.append(if (is_single) "<record " ++ namespace ++ ">\n  <leader>" else "<record>\n  <leader>");
        var leader = source.leader;
        leader[9] = 'a';
        try self.text(&leader);
        try self.out.append("</leader>\n");
        for (source.fields.items) |field| {
            const content = source.content(field);
            const written = if (record_module.isControlTag(field.tag))
                self.controlField(field.tag, content)
            else
                self.dataField(field.tag, content);
            written catch |err| {
                if (err == error.Problem) self.problem.setTag(field.tag);
                return err;
            };
        }
        try self.out.append("</record>\n");
    }

    fn controlField(self: *Writer, tag: record_module.Tag, content: []const u8) Error!void {
        try self.out.append("  <controlfield tag=\"");
        try self.out.append(&tag);
        try self.out.append("\">");
        try self.text(content);
        try self.out.append("</controlfield>\n");
    }

    fn dataField(self: *Writer, tag: record_module.Tag, content: []const u8) Error!void {
        try record_module.checkIndicators(content, self.problem);
        try self.out.append("  <datafield tag=\"");
        try self.attribute(&tag);
        try self.out.append("\" ind1=\"");
        try self.attribute(content[0..1]);
        try self.out.append("\" ind2=\"");
        try self.attribute(content[1..2]);
        try self.out.append("\">\n");
        var rest = content[2..];
        while (rest.len > 0) {
            const code = try record_module.takeCode(rest, self.problem);
            try self.out.append("    <subfield code=\"");
            try self.attribute(code);
            try self.out.append("\">");
            rest = rest[1 + code.len ..];
            rest = rest[try self.textUntilDelimiter(rest)..];
            try self.out.append("</subfield>\n");
        }
        try self.out.append("  </datafield>\n");
    }

    fn text(self: *Writer, bytes: []const u8) Error!void {
        var rest = bytes;
        while (true) {
            rest = rest[try self.textUntilDelimiter(rest)..];
            if (rest.len == 0) return;
            rest = rest[try self.forbidden(rest[0..1])..];
        }
    }

    /// Append escaped text up to a subfield delimiter; how many bytes that were.
    fn textUntilDelimiter(self: *Writer, bytes: []const u8) Error!usize {
        var at: usize = 0;
        while (true) {
            at += try scan.appendUntil(special, self.out, bytes[at..]);
            if (at == bytes.len or bytes[at] == record_module.subfield_delimiter) return at;
            at += try self.escaped(bytes[at..]);
        }
    }

    /// Append the character that `bytes` begins with, one of `special`; its length.
    fn escaped(self: *Writer, bytes: []const u8) Error!usize {
        switch (bytes[0]) {
            '&' => try self.out.append("&amp;"),
            '<' => try self.out.append("&lt;"),
            '>' => try self.out.append("&gt;"),
            // A reader would turn a bare one into a line feed (XML 1.0, section 2.11).
            '\r' => try self.out.append("&#xD;"),
            '\n', '\t' => try self.out.byte(bytes[0]),
            0xef => {
                if (bytes[1] == 0xbf and bytes[2] >= 0xbe) return self.forbidden(bytes[0..3]);
                try self.out.append(bytes[0..3]);
                return 3;
            },
            else => return self.forbidden(bytes[0..1]),
        }
        return 1;
    }

    fn forbidden(self: *Writer, character: []const u8) Error!usize {
        if (!self.replace_forbidden) {
            const number: u32 = if (character.len == 1) character[0] else 0xffc0 | @as(u32, character[2] & 0x3f);
            return self.problem.set(.xml_character_forbidden, 0, character, "XML cannot hold the character U+{X:0>4}", .{number});
        }
        self.replaced += 1;
        try self.out.append("\u{fffd}");
        return character.len;
    }

    /// Append a short attribute value: white space in it would be read as blanks if it stood bare.
    fn attribute(self: *Writer, bytes: []const u8) Error!void {
        for (bytes, 0..) |byte, index| switch (byte) {
            '"' => try self.out.append("&quot;"),
            '\n' => try self.out.append("&#xA;"),
            '\t' => try self.out.append("&#x9;"),
            0xef => {
                if (bytes.len - index >= 3 and bytes[index + 1] == 0xbf and bytes[index + 2] >= 0xbe) {
                    _ = try self.forbidden(bytes[index..][0..3]);
                    return;
                }
                try self.out.byte(byte);
            },
            0...8, 0xb...0x1f, '&', '<', '>' => _ = try self.escaped(bytes[index..][0..1]),
            else => try self.out.byte(byte),
        };
    }
};
