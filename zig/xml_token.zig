//! The parts of XML 1.0 that MARCXML can come wrapped in, told apart one at a time: tags, text,
//! CDATA sections, comments, processing instructions. No entity is ever expanded but the five of
//! XML itself and character references. A document type declaration is skipped, not obeyed, unless
//! it declares entities: then it is refused.

const std = @import("std");
const scan = @import("scan.zig");

pub const Kind = enum { text, cdata, start_tag, empty_tag, end_tag, ignored };

pub const Token = struct {
    kind: Kind,
    /// Bytes of the whole token.
    length: usize,
    /// Start and end tags: the name with its prefix. Otherwise empty.
    name: []const u8 = "",
    /// Tags: what stands between name and `>`. Text and CDATA: the characters, still escaped.
    body: []const u8 = "",

    /// The name without its prefix.
    pub fn localName(self: Token) []const u8 {
        return withoutPrefix(self.name);
    }
};

pub const Outcome = union(enum) {
    token: Token,
    need_more,
    /// What is wrong with the markup that the input begins with.
    malformed: []const u8,
};

/// What is known of the document.
pub const Context = struct {
    /// What has no end: in so many last bytes of the input the mark that ends it does not stand.
    /// Without that, each of many comments that are not closed would be followed to the end.
    comment: usize = 0,
    cdata: usize = 0,
    instruction: usize = 0,
    /// Before the first element a document type declaration may stand. Elsewhere each of many that
    /// are not closed would be followed to the end.
    is_prolog: bool = true,
};

/// The token at the start of `data`, which is not empty and reaches to the input's end. Text is given in pieces when `data` ends
/// inside it: characters and references stay whole.
pub fn next(data: []const u8, final: bool, context: *Context) Outcome {
    if (data[0] != '<') return nextText(data, final);
    if (data.len < 2) return incomplete(final);
    switch (data[1]) {
        '/' => return nextEndTag(data, final),
        '?' => return delimited(data, 2, "?>", .ignored, final, &context.instruction),
        '!' => {},
        else => return nextStartTag(data, final),
    }
    if (data.len < 9 and !final) return .need_more;
    if (std.mem.startsWith(u8, data, "<!--")) return delimited(data, 4, "-->", .ignored, final, &context.comment);
    if (std.mem.startsWith(u8, data, "<![CDATA[")) return delimited(data, 9, "]]>", .cdata, final, &context.cdata);
    if (std.mem.startsWith(u8, data, "<!DOCTYPE")) {
        if (!context.is_prolog) return .{ .malformed = "a document type declaration stands before the first element" };
        return nextDoctype(data, final);
    }
    return .{ .malformed = "unknown markup" };
}

fn incomplete(final: bool) Outcome {
    return if (final) .{ .malformed = "the document ends inside markup" } else .need_more;
}

fn nextText(data: []const u8, final: bool) Outcome {
    const end = scan.indexOf(.{ .others = "<" }, data);
    if (end == data.len and !final) return .need_more;
    return .{ .token = .{ .kind = .text, .length = end, .body = data[0..end] } };
}

fn delimited(data: []const u8, start: usize, end_mark: []const u8, kind: Kind, final: bool, unended: *usize) Outcome {
    const rest_length = data.len - start;
    if (final and rest_length <= unended.*) return incomplete(final);
    const end = std.mem.indexOfPos(u8, data, start, end_mark) orelse {
        if (final) unended.* = rest_length;
        return incomplete(final);
    };
    return .{ .token = .{ .kind = kind, .length = end + end_mark.len, .body = data[start..end] } };
}

fn nextEndTag(data: []const u8, final: bool) Outcome {
    const end = std.mem.indexOfScalar(u8, data, '>') orelse return incomplete(final);
    const name = std.mem.trimEnd(u8, data[2..end], &white_space);
    if (nameLength(name) != name.len or name.len == 0) return .{ .malformed = "an end tag without a name" };
    return .{ .token = .{ .kind = .end_tag, .length = end + 1, .name = name } };
}

fn nextStartTag(data: []const u8, final: bool) Outcome {
    const name_end = 1 + nameLength(data[1..]);
    if (name_end == 1) return .{ .malformed = "a < that begins no tag" };
    // The `>` that ends the tag is the first outside quotes.
    var at = name_end;
    while (at < data.len) switch (data[at]) {
        '"', '\'' => |quote| at = 1 + (std.mem.indexOfScalarPos(u8, data, at + 1, quote) orelse return incomplete(final)),
        '<' => return .{ .malformed = "a < inside a tag" },
        '>' => {
            const is_empty = data[at - 1] == '/';
            return .{ .token = .{
                .kind = if (is_empty) .empty_tag else .start_tag,
                .length = at + 1,
                .name = data[1..name_end],
                .body = data[name_end .. at - @intFromBool(is_empty)],
            } };
        },
        else => at += 1,
    };
    return incomplete(final);
}

/// A document type declaration with its internal subset, skipped whole when that has no entities.
fn nextDoctype(data: []const u8, final: bool) Outcome {
    var at: usize = "<!DOCTYPE".len;
    var depth: usize = 1;
    while (at < data.len) switch (data[at]) {
        '"', '\'' => |quote| at = 1 + (std.mem.indexOfScalarPos(u8, data, at + 1, quote) orelse return incomplete(final)),
        '<' => {
            if (std.mem.startsWith(u8, data[at..], "<!ENTITY")) return .{ .malformed = "the document type declares entities, which are not expanded here" };
            depth += 1;
            at += 1;
        },
        '>' => {
            depth -= 1;
            at += 1;
            if (depth == 0) return .{ .token = .{ .kind = .ignored, .length = at } };
        },
        else => at += 1,
    };
    return incomplete(final);
}

pub const white_space = [_]u8{ ' ', '\t', '\r', '\n' };

const name_bytes = blk: {
    var table: [256]bool = @splat(false);
    for (&table, 0..) |*is_name_byte, byte| is_name_byte.* = switch (byte) {
        'a'...'z', 'A'...'Z', '0'...'9', '_', ':', '-', '.', 0x80...0xff => true,
        else => false,
    };
    break :blk table;
};

fn nameLength(data: []const u8) usize {
    for (data, 0..) |byte, index| if (!name_bytes[byte]) return index;
    return data.len;
}

pub fn withoutPrefix(name: []const u8) []const u8 {
    const colon = std.mem.lastIndexOfScalar(u8, name, ':') orelse return name;
    return name[colon + 1 ..];
}

pub const Attribute = struct { name: []const u8, value: []const u8 };

/// The attributes of a tag's body, one after the other, values still escaped.
pub const Attributes = struct {
    rest: []const u8,

    pub fn next(self: *Attributes) error{Malformed}!?Attribute {
        self.rest = std.mem.trimStart(u8, self.rest, &white_space);
        if (self.rest.len == 0) return null;
        const name = self.rest[0..nameLength(self.rest)];
        var rest = std.mem.trimStart(u8, self.rest[name.len..], &white_space);
        if (name.len == 0 or rest.len == 0 or rest[0] != '=') return error.Malformed;
        rest = std.mem.trimStart(u8, rest[1..], &white_space);
        if (rest.len == 0 or (rest[0] != '"' and rest[0] != '\'')) return error.Malformed;
        const end = std.mem.indexOfScalarPos(u8, rest, 1, rest[0]) orelse return error.Malformed;
        self.rest = rest[end + 1 ..];
        return .{ .name = name, .value = rest[1..end] };
    }
};

pub const Reference = struct { character: u21, length: usize };

/// The character or entity reference that `text` begins with, at its `&`; null when it is none that
/// XML itself defines, or names a character that XML forbids.
pub fn reference(text: []const u8) ?Reference {
    const length_max = 12;
    const end = std.mem.indexOfScalar(u8, text[0..@min(text.len, length_max)], ';') orelse return null;
    const name = text[1..end];
    const named = [_]struct { []const u8, u21 }{
        .{ "lt", '<' }, .{ "gt", '>' }, .{ "amp", '&' }, .{ "quot", '"' }, .{ "apos", '\'' },
    };
    for (named) |entity| if (std.mem.eql(u8, name, entity[0])) return .{ .character = entity[1], .length = end + 1 };
    if (name.len < 2 or name[0] != '#') return null;
    const is_hex = name[1] == 'x';
    const digits = name[@as(usize, 1) + @intFromBool(is_hex) ..];
    if (digits.len == 0) return null;
    var character: u32 = 0;
    for (digits) |byte| {
        const digit = std.fmt.charToDigit(byte, if (is_hex) 16 else 10) catch return null;
        character = character * @as(u32, if (is_hex) 16 else 10) + digit;
        if (character > 0x10ffff) return null;
    }
    if (!isAllowed(character)) return null;
    return .{ .character = @intCast(character), .length = end + 1 };
}

/// Characters that XML 1.0 allows (section 2.2).
pub fn isAllowed(character: u32) bool {
    return switch (character) {
        '\t', '\n', '\r', 0x20...0xd7ff, 0xe000...0xfffd, 0x10000...0x10ffff => true,
        else => false,
    };
}

test "tokens" {
    const Case = struct { data: []const u8, kind: Kind, length: usize, name: []const u8 = "", body: []const u8 = "" };
    const cases = [_]Case{
        .{ .data = "<m:record a='>'>x", .kind = .start_tag, .length = 16, .name = "m:record", .body = " a='>'" },
        .{ .data = "<a/>", .kind = .empty_tag, .length = 4, .name = "a" },
        .{ .data = "</a >", .kind = .end_tag, .length = 5, .name = "a" },
        .{ .data = "<!-- <a> -->", .kind = .ignored, .length = 12, .body = " <a> " },
        .{ .data = "<![CDATA[<]]>", .kind = .cdata, .length = 13, .body = "<" },
        .{ .data = "<!DOCTYPE a [<!ELEMENT b '>'>]>", .kind = .ignored, .length = 31 },
        .{ .data = "text<", .kind = .text, .length = 4, .body = "text" },
    };
    var context: Context = .{};
    for (cases) |case| {
        const token = next(case.data, false, &context).token;
        try std.testing.expectEqual(case.kind, token.kind);
        try std.testing.expectEqual(case.length, token.length);
        try std.testing.expectEqualStrings(case.name, token.name);
        try std.testing.expectEqualStrings(case.body, token.body);
        // Cut anywhere it is either incomplete or, as text, all there is.
        for (1..case.length) |length| switch (next(case.data[0..length], false, &context)) {
            .need_more => {},
            else => return error.TestUnexpectedResult,
        };
    }
}

test "a document type declaration has its place, and no entities" {
    var context: Context = .{};
    const document_type = "<!DOCTYPE a SYSTEM 'x.dtd'>";
    try std.testing.expectEqual(document_type.len, next(document_type, true, &context).token.length);
    // Refused before its end is looked for.
    try std.testing.expect(next("<!DOCTYPE a [<!ENTITY", false, &context) == .malformed);
    context.is_prolog = false;
    try std.testing.expect(next("<!DOCTYPE", false, &context) == .malformed);
}

test "references" {
    try std.testing.expectEqual(Reference{ .character = 0xe9, .length = 6 }, reference("&#xE9;").?);
    try std.testing.expectEqual(Reference{ .character = 0xe9, .length = 6 }, reference("&#233;x").?);
    try std.testing.expectEqual(Reference{ .character = '&', .length = 5 }, reference("&amp;").?);
    for ([_][]const u8{ "&", "&;", "&#;", "&#x;", "&nbsp;", "&#0;", "&#xD800;", "&#x110000;", "&#99999999;", "&amp" }) |bad| {
        try std.testing.expectEqual(null, reference(bad));
    }
}

test "what has no end is looked for once" {
    for ([_]struct { []const u8, []const u8 }{ .{ "<!--", "-->" }, .{ "<![CDATA[", "]]>" }, .{ "<?", "?>" } }) |marks| {
        const begin, const end = marks;
        var buffer: [64]u8 = undefined;
        const data = try std.fmt.bufPrint(&buffer, "{s} x {s}{s} x {s}", .{ begin, end, begin, begin });
        const first_length = begin.len + 3 + end.len;
        var context: Context = .{};
        // Seen from the second that there is no end, the first still has one.
        try std.testing.expect(next(data[first_length..], true, &context) == .malformed);
        const known = context;
        try std.testing.expectEqual(first_length, next(data, true, &context).token.length);
        // The third is inside the second: an end that stands there now is not looked for.
        @memcpy(data[data.len - end.len ..], end);
        try std.testing.expect(next(data[first_length..], true, &context) == .malformed);
        try std.testing.expectEqual(known, context);
        // As long as more may come nothing is known.
        var fresh: Context = .{};
        try std.testing.expect(next(data[0..begin.len], false, &fresh) == .need_more);
        try std.testing.expectEqual(Context{}, fresh);
    }
}
