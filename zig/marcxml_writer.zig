//! MARCXML by the Library of Congress's MARC21 slim schema. What comes out is always well-formed
//! XML 1.0: markup characters and carriage returns are escaped, a character that XML forbids is an
//! error or, if asked for, becomes U+FFFD. And MARCXML byte for byte as pymarc makes it with Python's
//! ElementTree, for programs that compare: without white space, with `<subfield code="a" />` for an
//! empty element, the leader as it is. A carriage return is `&#xD;` there, too, where pymarc's bare
//! one would be read as a line feed.

const std = @import("std");
const scan = @import("scan.zig");
const record_module = @import("record.zig");
const problem_module = @import("problem.zig");
const Buffer = @import("buffer.zig").Buffer;
const Cursor = @import("cursor.zig").Cursor;
const Error = problem_module.Error;
const Problem = problem_module.Problem;
const Record = record_module.Record;

const namespace = "xmlns=\"http://www.loc.gov/MARC21/slim\"";
pub const collection_start = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<collection " ++ namespace ++ ">\n";
pub const collection_end = "</collection>\n";

/// Bytes that cannot simply be copied. EF begins U+FFFE and U+FFFF, which XML forbids.
const special: scan.Class = .{ .below = ' ', .others = "&<>\xef" };

/// The same in an attribute.
const special_in_attribute: scan.Class = .{ .below = ' ', .others = "&<>\xef\"" };

pub const Form = enum {
    in_collection,
    /// With the namespace that no `collection` gives it.
    single,
    pymarc,

    inline fn recordStart(comptime form: Form) []const u8 {
        return switch (form) {
            .in_collection => "<record>\n  <leader>",
            .single => "<record " ++ namespace ++ ">\n  <leader>",
            .pymarc => "<record><leader>",
        };
    }

    inline fn dataFieldStart(comptime form: Form) []const u8 {
        return if (form == .pymarc) "<datafield ind1=\"1\" ind2=\"2\" tag=\"000\">" else "  <datafield tag=\"000\" ind1=\"1\" ind2=\"2\">\n";
    }

    inline fn controlFieldStart(comptime form: Form) []const u8 {
        return form.indent("  ") ++ "<controlfield tag=\"000\">";
    }

    inline fn subfieldStart(comptime form: Form) []const u8 {
        return form.indent("    ") ++ "<subfield code=\"a\">";
    }

    /// White space before a start tag.
    inline fn indent(comptime form: Form, comptime blanks: []const u8) []const u8 {
        return if (form == .pymarc) "" else blanks;
    }

    /// The end tag of an element, and the line's end.
    inline fn end(comptime form: Form, comptime name: []const u8) []const u8 {
        return "</" ++ name ++ ">" ++ if (form == .pymarc) "" else "\n";
    }
};

pub const Writer = struct {
    out: *Buffer,
    problem: *Problem,
    /// Write U+FFFD for a character that XML forbids, rather than report it.
    replace_forbidden: bool,
    /// How many characters were replaced.
    replaced: u64 = 0,

    /// Append one `record` element.
    pub fn record(self: *Writer, comptime form: Form, source: *const Record) Error!void {
        const mark = self.out.length();
        errdefer self.out.shrink(mark);
        var cursor: Cursor = try .enter(self.out);
        cursor.literal(form.recordStart());
        var leader: [scan.block_length]u8 = @splat(0);
        leader[0..source.leader.len].* = source.leader;
        if (form != .pymarc) leader[9] = 'a';
        try self.text(&cursor, &leader, 0, source.leader.len);
        cursor.literal(form.end("leader"));
        const bytes = source.sight();
        for (source.fields.items) |field| {
            try cursor.ensure();
            const written = if (record_module.isControlTag(field.tag))
                self.controlField(form, &cursor, field.tag, bytes, field.start, field.end)
            else
                self.dataField(form, &cursor, field.tag, bytes, field.start, field.end);
            written catch |err| {
                if (err == error.Problem) self.problem.setTag(field.tag);
                return err;
            };
        }
        cursor.literal(form.end("record"));
        cursor.leave();
    }

    inline fn controlField(self: *Writer, comptime form: Form, cursor: *Cursor, tag: record_module.Tag, bytes: []const u8, start: usize, end: usize) Error!void {
        // The tag is digits: nothing in it needs an escape.
        const head = cursor.form(form.controlFieldStart());
        head[head.len - 5 ..][0..3].* = tag;
        if (form == .pymarc and start == end) return closeEmpty(cursor);
        try self.text(cursor, bytes, start, end);
        cursor.literal(form.end("controlfield"));
    }

    /// The content stands in `bytes` from `start` to `end`.
    inline fn dataField(self: *Writer, comptime form: Form, cursor: *Cursor, tag: record_module.Tag, bytes: []const u8, start: usize, end: usize) Error!void {
        if (record_module.hasIndicators(bytes[start..end]) and isPlain(&.{ tag[0], tag[1], tag[2], bytes[start], bytes[start + 1] })) {
            const text_of_head = comptime form.dataFieldStart();
            const head = cursor.form(text_of_head);
            head[comptime std.mem.indexOf(u8, text_of_head, "000").?..][0..3].* = tag;
            head[comptime std.mem.indexOf(u8, text_of_head, "\"1").? + 1] = bytes[start];
            head[comptime std.mem.indexOf(u8, text_of_head, "\"2").? + 1] = bytes[start + 1];
        } else {
            cursor.leave();
            try self.oddHead(form, tag, bytes[start..end]);
            cursor.* = try .enter(self.out);
        }
        if (form == .pymarc and end - start == 2) return closeEmpty(cursor);
        var at = start + 2;
        while (at < end) {
            if (end - at > 1 and isPlain(bytes[at + 1 ..][0..1])) {
                const head = cursor.form(form.subfieldStart());
                head[head.len - 3] = bytes[at + 1];
                at += 2;
            } else {
                cursor.leave();
                at += try self.oddCode(form, bytes[at..end]);
                cursor.* = try .enter(self.out);
            }
            if (form == .pymarc and (at == end or bytes[at] == record_module.subfield_delimiter)) {
                closeEmpty(cursor);
                continue;
            }
            at = try self.textUntilDelimiter(cursor, bytes, at, end);
            cursor.literal(form.end("subfield"));
        }
        cursor.literal(form.indent("  ") ++ form.end("datafield"));
    }

    /// Make the start tag just put that of an empty element.
    inline fn closeEmpty(cursor: *Cursor) void {
        cursor.at -= 1;
        cursor.literal(" />");
    }

    /// The start tag of a field where something may need an escape.
    fn oddHead(self: *Writer, comptime form: Form, tag: record_module.Tag, content: []const u8) Error!void {
        try record_module.checkIndicators(content, self.problem);
        const parts = if (form == .pymarc)
            .{ "<datafield ind1=\"", content[0..1], "\" ind2=\"", content[1..2], "\" tag=\"", &tag, "\">" }
        else
            .{ "  <datafield tag=\"", &tag, "\" ind1=\"", content[0..1], "\" ind2=\"", content[1..2], "\">\n" };
        inline for (parts, 0..) |part, index| {
            if (index % 2 == 0) try self.out.append(part) else try self.attribute(part);
        }
    }

    /// The start tag of the subfield whose delimiter `rest` begins with. How many bytes that and the
    /// code are.
    fn oddCode(self: *Writer, comptime form: Form, rest: []const u8) Error!usize {
        const code = try record_module.takeCode(rest, self.problem);
        try self.out.append(form.indent("    ") ++ "<subfield code=\"");
        try self.attribute(code);
        try self.out.append("\">");
        return 1 + code.len;
    }

    inline fn isPlain(bytes: []const u8) bool {
        return scan.isPlain(special_in_attribute, bytes);
    }

    /// Put text in which a subfield delimiter is as forbidden as other control characters.
    inline fn text(self: *Writer, cursor: *Cursor, bytes: []const u8, start: usize, end: usize) Error!void {
        var at = start;
        while (true) {
            at = try self.textUntilDelimiter(cursor, bytes, at, end);
            if (at == end) return;
            cursor.leave();
            at += try self.forbidden(bytes[at..][0..1]);
            cursor.* = try .enter(self.out);
        }
    }

    /// Put escaped text to `end` or to a subfield delimiter; where that is.
    inline fn textUntilDelimiter(self: *Writer, cursor: *Cursor, bytes: []const u8, start: usize, end: usize) Error!usize {
        return cursor.text(special, escaped, self, bytes, start, end);
    }

    /// Append the character that `bytes` begins with, one of `special`; its length.
    fn escaped(self: *Writer, bytes: []const u8) Error!usize {
        @branchHint(.cold);
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
    fn attribute(self: *Writer, bytes: []const u8) Error!void {
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
