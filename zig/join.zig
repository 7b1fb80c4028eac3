//! A record put together from its parts, all of them texts joined by 1F, so that the host language need do
//! no more than join: first the leader, then of each field
//!
//!   packed   tag, first indicator, second indicator, and code and value of each subfield,
//!   as it is `=` and the tag of a data field, or `-` and that of a control field, and the content,
//!
//! and 1E behind it. How many fields and delimiters there are is told beside: with another number of them a
//! delimiter stood in a text.

const std = @import("std");
const iso2709 = @import("iso2709.zig");
const record_module = @import("record.zig");
const scan = @import("scan.zig");

const leader_length = record_module.leader_length;
const entry_length = record_module.entry_length;
const delimiter = record_module.subfield_delimiter;
const field_terminator = record_module.field_terminator;
const record_terminator = record_module.record_terminator;
const record_length_max = iso2709.record_length_max;

/// What ends a value, and what cannot stand in one.
const ends: scan.Class = .{ .others = &.{ delimiter, field_terminator, record_terminator, 0 } };
/// The same for a content.
const content_ends: scan.Class = .{ .others = &.{ field_terminator, record_terminator, 0 } };

pub const Form = enum {
    /// As `flat.zig` has it, with the leader as it is.
    flat,
    /// ISO 2709, with its numbers.
    marc,
};

/// Write the record; its length, or null where a part is not as it should be, or there is no room for it.
pub fn join(text: []const u8, field_count: usize, delimiter_count: usize, form: Form, target: *[record_length_max]u8) ?usize {
    if (field_count > record_length_max / entry_length) return null;
    const base = leader_length + field_count * entry_length + 1;
    // Each part takes no more room than it has in the text, where a delimiter is behind it.
    if (base + text.len + 1 > target.len or text.len < leader_length) return null;
    if (scan.count(.{ .others = &.{delimiter} }, text) != delimiter_count) return null;
    const leader = text[0..leader_length];
    if (!iso2709.isSoundLeader(leader)) return null;
    target[0..leader_length].* = leader.*;

    var at: usize = leader_length;
    var to = base;
    for (0..field_count) |index| {
        const start = to;
        at = behindDelimiter(text, at) orelse return null;
        const tag_end = scan.indexOf(ends, text[at..]) + at;
        const tag = text[at..tag_end];
        at = behindDelimiter(text, tag_end) orelse return null;
        const entry = target[leader_length + index * entry_length ..][0..entry_length];
        if (tag.len == 4) {
            if (tag[0] != '=' and tag[0] != '-' or isControl(tag[1..4]) != (tag[0] == '-')) return null;
            entry[0..3].* = tag[1..4].*;
            const end = scan.indexOf(content_ends, text[at..]) + at;
            if (end == text.len or text[end] != field_terminator or end == at or text[end - 1] != delimiter) return null;
            const content = text[at .. end - 1];
            @memcpy(target[to..][0..content.len], content);
            to += content.len;
            at = end + 1;
        } else {
            if (tag.len != 3 or isControl(tag[0..3])) return null;
            entry[0..3].* = tag[0..3].*;
            for (0..2) |_| {
                target[to] = character(text, at) orelse return null;
                to += 1;
                at += 2;
            }
            while (at < text.len and text[at] != field_terminator) {
                target[to] = delimiter;
                target[to + 1] = character(text, at) orelse return null;
                at += 2;
                const length = scan.indexOf(ends, text[at..]);
                @memcpy(target[to + 2 ..][0..length], text[at..][0..length]);
                to += 2 + length;
                at = behindDelimiter(text, at + length) orelse return null;
            }
            if (at == text.len) return null;
            at += 1;
        }
        if (!record_module.isTag(entry[0..3])) return null;
        target[to] = field_terminator;
        to += 1;
        entry[3..].* = @splat('0');
        if (form == .flat) continue;
        if (to - start > iso2709.field_length_max) return null;
        iso2709.putDigits(4, entry[3..7], to - start);
        iso2709.putDigits(5, entry[7..12], start - base);
    }
    if (at != text.len) return null;
    target[base - 1] = field_terminator;
    target[to] = record_terminator;
    to += 1;
    if (form == .marc) {
        iso2709.putDigits(5, target[0..5], to);
        iso2709.putDigits(5, target[12..17], base);
    }
    return to;
}

/// The place behind the delimiter that should stand here.
fn behindDelimiter(text: []const u8, at: usize) ?usize {
    return if (at < text.len and text[at] == delimiter) at + 1 else null;
}

/// An indicator or a code: one printable character with a delimiter behind it.
fn character(text: []const u8, at: usize) ?u8 {
    if (at + 1 >= text.len or text[at + 1] != delimiter) return null;
    return if (text[at] >= ' ' and text[at] <= '~') text[at] else null;
}

/// The tags that the host language has for control fields: 000 is one of them.
fn isControl(tag: *const [3]u8) bool {
    return tag[0] == '0' and tag[1] == '0' and std.ascii.isDigit(tag[2]);
}

fn expectJoined(expected: ?[]const u8, text: []const u8, fields: usize, form: Form) !void {
    var target: [record_length_max]u8 = undefined;
    const length = join(text, fields, std.mem.count(u8, text, "\x1f"), form, &target);
    if (expected) |record| return std.testing.expectEqualStrings(record, target[0..length.?]);
    try std.testing.expectEqual(null, length);
}

test "a record is put together from its parts" {
    const leader = "00000nam a2200000 a 4500";
    const text = leader ++ "\x1f-001\x1f42\x1f\x1e\x1f245\x1f1\x1f0\x1fa\x1fOdes\x1fb\x1f\x1f\x1e\x1f=500\x1f  \x1faÄ\x1f\x1e";
    const contents = "42\x1e" ++ "10\x1faOdes\x1fb\x1e" ++ "  \x1faÄ\x1e\x1d";
    try expectJoined("00083nam a2200061 a 4500" ++ "001000300000" ++ "245001100003" ++ "500000700014" ++ "\x1e" ++ contents, text, 3, .marc);
    try expectJoined(leader ++ "001000000000" ++ "245000000000" ++ "500000000000" ++ "\x1e" ++ contents, text, 3, .flat);
    try expectJoined("00026nam a2200025 a 4500\x1e\x1d", leader, 0, .marc);
    // Fields and delimiters are as many as is said.
    var target: [record_length_max]u8 = undefined;
    const delimiters = std.mem.count(u8, text, "\x1f");
    for ([_][2]usize{ .{ 2, 0 }, .{ 4, 0 }, .{ 0, 0 }, .{ 8334, 0 }, .{ 3, 1 } }) |case| {
        try std.testing.expectEqual(null, join(text, case[0], delimiters + case[1], .marc, &target));
    }
    // Cut anywhere, it is none; and a delimiter or a terminator more is seen wherever it stands.
    for (0..text.len) |cut| try expectJoined(null, text[0..cut], 3, .flat);
    for (0..text.len) |at| for ("\x00\x1d\x1e\x1f") |byte| {
        var other = text.*;
        if (other[at] == byte) continue;
        other[at] = byte;
        try std.testing.expectEqual(null, join(&other, 3, delimiters, .flat, &target));
    };
}

test "parts that are not as they should be" {
    const leader = "00000nam a2200000 a 4500";
    inline for ([_][]const u8{
        "\x1f001\x1f1\x1f0\x1fa\x1fx\x1f\x1e",  "\x1f-245\x1fx\x1f\x1e",                "\x1f=001\x1fx\x1f\x1e",
        "\x1f24\x1f1\x1f0\x1fa\x1fx\x1f\x1e",   "\x1f24 \x1f1\x1f0\x1fa\x1fx\x1f\x1e",  "\x1f+245\x1fx\x1f\x1e",
        "\x1f245\x1f\x1f0\x1fa\x1fx\x1f\x1e",   "\x1f245\x1f1\x1f0\x1fab\x1fx\x1f\x1e", "\x1f245\x1f1\x1f0\x1f\x1fx\x1f\x1e",
        "\x1f245\x1f1\x1f\x1e",                 "\x1f245\x1f1\x1f0\x1fa\x1f\x1e",
        "\x1f245\x1f1\x1fé\x1fa\x1fx\x1f\x1e",
        "\x1f245\x1f1\x1f0\x1fé\x1fx\x1f\x1e",
        "\x1f245\x1f1\x1f0\x1fa\x1fx\x1f\x1ey",
    }) |field| try expectJoined(null, leader ++ field, 1, .flat);
    try expectJoined(null, "0" ++ leader, 0, .flat);
    try expectJoined(null, leader[0..23] ++ "\x7f", 0, .flat);
    // A field of 9,999 bytes is the longest in ISO 2709.
    const long = leader ++ "\x1f500\x1f \x1f \x1fa\x1f" ++ @as([9995]u8, @splat('x'));
    try expectJoined(null, long ++ "\x1f\x1e", 1, .marc);
    var target: [record_length_max]u8 = undefined;
    const fits = join(long[0 .. long.len - 1] ++ "\x1f\x1e", 1, 6, .marc, &target).?;
    var again: [record_length_max]u8 = undefined;
    try std.testing.expectEqualStrings(target[0..fits], again[0..iso2709.assemble(target[0..fits], &again).?]);
    try std.testing.expectEqual(10_038, join(long ++ "\x1f\x1e", 1, 6, .flat, &target).?);
}
