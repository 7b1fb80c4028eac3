//! Data fields whose indicators or subfield codes cannot be told, put right as well as they can be,
//! where damaged records are salvaged: what was text stays in the field.

const std = @import("std");
const record_module = @import("record.zig");
const problem_module = @import("problem.zig");
const utf8 = @import("utf8.zig");
const Buffer = @import("buffer.zig").Buffer;
const Problem = problem_module.Problem;

const delimiter = record_module.subfield_delimiter;

/// Stands for a code that is none, as fill characters do in MARC 21.
const unknown_code = '|';

/// Report a data field that no format with named parts could hold.
pub fn check(content: []const u8, problem: *Problem) error{Problem}!void {
    try record_module.checkIndicators(content, problem);
    var rest = content[2..];
    while (rest.len > 0) {
        const code = try record_module.takeCode(rest, problem);
        if (utf8.indexOfInvalid(code) != null) {
            return problem.set(.subfield_code_invalid, 0, rest[0..2], "a subfield code is no character", .{});
        }
        rest = rest[std.mem.indexOfScalarPos(u8, rest, 1, delimiter) orelse rest.len ..];
    }
}

/// Append what can be made of such a field's content.
pub fn write(out: *Buffer, content: []const u8) error{OutOfMemory}!void {
    const first = std.mem.indexOfScalar(u8, content, delimiter) orelse content.len;
    var head = content[0..first];
    for (0..2) |_| {
        const is_indicator = head.len > 0 and record_module.isIndicator(head[0]);
        try out.byte(if (is_indicator) head[0] else ' ');
        head = head[characterLength(head)..];
    }
    // A single byte more is one that was added. Before several the delimiter is missing, or is the
    // first of them, changed.
    if (head.len > 1) {
        if (isUsualCode(head[0])) {
            try out.byte(delimiter);
        } else if (isUsualCode(head[1])) {
            try out.byte(delimiter);
            head = head[1..];
        } else {
            try out.append(&.{ delimiter, 'a' });
        }
        try out.append(head);
    }
    var rest = content[first..];
    while (rest.len > 0) {
        const end = std.mem.indexOfScalarPos(u8, rest, 1, delimiter) orelse rest.len;
        const subfield = rest[1..end];
        rest = rest[end..];
        if (subfield.len == 0) continue;
        try out.byte(delimiter);
        const code = subfield[0..record_module.codeLength(subfield)];
        if (code[0] >= ' ' and utf8.indexOfInvalid(code) == null) {
            try out.append(subfield);
        } else {
            try out.byte(unknown_code);
            try out.append(subfield[1..]);
        }
    }
}

/// Bytes of the first character, if there is one.
fn characterLength(text: []const u8) usize {
    if (text.len == 0) return 0;
    var length: usize = 1;
    while (text[0] >= 0xc0 and length < text.len and text[length] & 0xc0 == 0x80) length += 1;
    return length;
}

fn isUsualCode(byte: u8) bool {
    return std.ascii.isLower(byte) or std.ascii.isDigit(byte);
}

test "what is mended can be told, and what can be told stays" {
    const gpa = std.testing.allocator;
    const cases = [_]struct { []const u8, []const u8 }{
        .{ "10\x1faOdes\x1fcHorace", "10\x1faOdes\x1fcHorace" },
        .{ "10", "10" },
        .{ "", "  " },
        .{ "1\x1faOdes", "1 \x1faOdes" },
        .{ "\x1faOdes", "  \x1faOdes" },
        .{ "1\u{e9}\x1faOdes", "1 \x1faOdes" },
        .{ "1\xe9\x1faOdes", "1 \x1faOdes" },
        // A delimiter changed, left out; a byte added.
        .{ "10\x00aOdes\x1fcHorace", "10\x1faOdes\x1fcHorace" },
        .{ "10aOdes", "10\x1faOdes" },
        .{ "100\x1faOdes", "10\x1faOdes" },
        .{ "10 Odes", "10\x1fa Odes" },
        // Codes.
        .{ "10\x1f\x00Odes", "10\x1f|Odes" },
        .{ "10\x1f\x1faOdes\x1f", "10\x1faOdes" },
        .{ "10\x1f\u{e9}Odes", "10\x1f\u{e9}Odes" },
        .{ "10\x1f\xe9Odes", "10\x1f|Odes" },
    };
    var problem: Problem = .{};
    for (cases) |case| {
        var out: Buffer = .{ .gpa = gpa };
        defer out.deinit();
        try write(&out, case[0]);
        try std.testing.expectEqualStrings(case[1], out.items());
        try check(out.items(), &problem);
        const is_sound = if (check(case[0], &problem)) true else |_| false;
        if (is_sound) try std.testing.expectEqualStrings(case[0], out.items());
    }
}

test "whatever is mended can be told" {
    const gpa = std.testing.allocator;
    var random: std.Random.DefaultPrng = .init(5);
    var problem: Problem = .{};
    for (0..20_000) |_| {
        var content: [8]u8 = undefined;
        for (&content) |*byte| byte.* = "0a \x1f\x1f\x00\xc3\xa9"[random.random().uintLessThan(usize, 8)];
        var out: Buffer = .{ .gpa = gpa };
        defer out.deinit();
        try write(&out, content[0..random.random().uintLessThan(usize, 9)]);
        try check(out.items(), &problem);
    }
}
