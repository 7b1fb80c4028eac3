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

/// Bytes that stand for themselves in an attribute.
const plain_bytes = blk: {
    var table: [256]bool = @splat(false);
    for (' '..0x7f) |byte| table[byte] = std.mem.indexOfScalar(u8, "&<>\"", byte) == null;
    break :blk table;
};

inline fn isPlain(bytes: []const u8) bool {
    var plain = true;
    for (bytes) |byte| plain = plain and plain_bytes[byte];
    return plain;
}

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
        try self.text(&leader, leader.len);
        try self.out.literal("</leader>\n");
        for (source.fields.items) |field| {
            const bytes = source.from(field);
            const length = field.end - field.start;
            const written = if (record_module.isControlTag(field.tag))
                self.controlField(field.tag, bytes, length)
            else
                self.dataField(field.tag, bytes, length);
            written catch |err| {
                if (err == error.Problem) self.problem.setTag(field.tag);
                return err;
            };
        }
        try self.out.literal("</record>\n");
    }

    fn controlField(self: *Writer, tag: record_module.Tag, bytes: []const u8, length: usize) Error!void {
        // The tag is digits: nothing in it needs an escape.
        const head = "  <controlfield tag=\"000\">";
        const start = try self.out.addArray(head.len);
        start.* = head.*;
        start[head.len - 5 ..][0..3].* = tag;
        try self.text(bytes, length);
        try self.out.literal("</controlfield>\n");
    }

    /// `bytes` begins with the content, which has `length` bytes.
    fn dataField(self: *Writer, tag: record_module.Tag, bytes: []const u8, length: usize) Error!void {
        const content = bytes[0..length];
        try record_module.checkIndicators(content, self.problem);
        const names = [5]u8{ tag[0], tag[1], tag[2], content[0], content[1] };
        if (isPlain(&names)) {
            const head = "  <datafield tag=\"000\" ind1=\"0\" ind2=\"0\">\n";
            const start = try self.out.addArray(head.len);
            start.* = head.*;
            start[18..21].* = tag;
            start[29] = content[0];
            start[38] = content[1];
        } else {
            try self.out.literal("  <datafield tag=\"");
            try self.attribute(&tag);
            try self.out.literal("\" ind1=\"");
            try self.attribute(content[0..1]);
            try self.out.literal("\" ind2=\"");
            try self.attribute(content[1..2]);
            try self.out.literal("\">\n");
        }
        var at: usize = 2;
        while (at < length) {
            const code = try record_module.takeCode(content[at..], self.problem);
            if (code.len == 1 and isPlain(code[0..1])) {
                const head = "    <subfield code=\"a\">";
                const start = try self.out.addArray(head.len);
                start.* = head.*;
                start[head.len - 3] = code[0];
            } else {
                try self.out.literal("    <subfield code=\"");
                try self.attribute(code);
                try self.out.literal("\">");
            }
            at += 1 + code.len;
            at += try self.textUntilDelimiter(bytes[at..], length - at);
            try self.out.literal("</subfield>\n");
        }
        try self.out.literal("  </datafield>\n");
    }

    pub fn text(self: *Writer, bytes: []const u8, length: usize) Error!void {
        var at: usize = 0;
        while (true) {
            at += try self.textUntilDelimiter(bytes[at..], length - at);
            if (at == length) return;
            at += try self.forbidden(bytes[at..][0..1]);
        }
    }

    /// Append escaped text, `length` bytes or up to a subfield delimiter; how many bytes that were.
    pub fn textUntilDelimiter(self: *Writer, bytes: []const u8, length: usize) Error!usize {
        var at: usize = 0;
        while (true) {
            at += try scan.appendUntil(special, self.out, bytes[at..], length - at);
            if (at == length or bytes[at] == record_module.subfield_delimiter) return at;
            at += try self.escaped(bytes[at..length]);
        }
    }

    /// Append the character that `bytes` begins with, one of `special`; its length.
    fn escaped(self: *Writer, bytes: []const u8) Error!usize {
        switch (bytes[0]) {
            '&' => try self.out.literal("&amp;"),
            '<' => try self.out.literal("&lt;"),
            '>' => try self.out.literal("&gt;"),
            // A reader would turn a bare one into a line feed (XML 1.0, section 2.11).
            '\r' => try self.out.literal("&#xD;"),
            '\n', '\t' => try self.out.byte(bytes[0]),
            0xef => {
                const character = bytes[0..@min(3, bytes.len)];
                if (character.len == 3 and character[1] == 0xbf and character[2] >= 0xbe) return self.forbidden(character);
                try self.out.append(character);
                return character.len;
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
        try self.out.literal("\u{fffd}");
        return character.len;
    }

    /// Append a short attribute value: white space in it would be read as blanks if it stood bare.
    pub fn attribute(self: *Writer, bytes: []const u8) Error!void {
        for (bytes, 0..) |byte, index| switch (byte) {
            '"' => try self.out.literal("&quot;"),
            '\n' => try self.out.literal("&#xA;"),
            '\t' => try self.out.literal("&#x9;"),
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
