//! UTF-8 (Unicode Standard, section 3.9, table 3-7): validation that tells where, and decoding of
//! bytes that are known to be valid.

const std = @import("std");
const scan = @import("scan.zig");

/// Index of the first byte that does not belong to a well-formed sequence, or null.
pub fn indexOfInvalid(bytes: []const u8) ?usize {
    const high = scan.indexOfHigh(bytes);
    return if (high == bytes.len) null else invalidFrom(bytes, high);
}

/// Not inline: most text is ASCII, and asked about in many places.
noinline fn invalidFrom(bytes: []const u8, high: usize) ?usize {
    var at = high;
    while (true) {
        // Text beyond ASCII comes in runs: stay here until the run ends.
        while (at < bytes.len and bytes[at] >= 0x80) {
            at += sequenceLength(bytes[at..]) orelse return at;
        }
        if (at == bytes.len) return null;
        at += scan.indexOfHigh(bytes[at..]);
    }
}

/// Length of the well-formed sequence that `bytes` begins with, or null.
pub fn sequenceLength(bytes: []const u8) ?usize {
    const lead = bytes[0];
    if (lead < 0x80) return 1;
    if (lead < 0xc2 or lead > 0xf4) return null;
    const length: usize = if (lead < 0xe0) 2 else if (lead < 0xf0) 3 else 4;
    if (bytes.len < length) return null;
    // The second byte's range rules out overlong forms, surrogates and what lies past U+10FFFF.
    const low: u8 = switch (lead) {
        0xe0 => 0xa0,
        0xf0 => 0x90,
        else => 0x80,
    };
    const high: u8 = switch (lead) {
        0xed => 0x9f,
        0xf4 => 0x8f,
        else => 0xbf,
    };
    if (bytes[1] < low or bytes[1] > high) return null;
    for (bytes[2..length]) |byte| if (byte & 0xc0 != 0x80) return null;
    return length;
}

pub const Decoded = struct { character: u21, length: usize };

/// The first character of valid, non-empty UTF-8.
pub fn decode(bytes: []const u8) Decoded {
    const lead = bytes[0];
    if (lead < 0x80) return .{ .character = lead, .length = 1 };
    const length: usize = if (lead < 0xe0) 2 else if (lead < 0xf0) 3 else 4;
    var character: u21 = lead & (@as(u8, 0xff) >> @intCast(length + 1));
    for (bytes[1..length]) |byte| character = character << 6 | (byte & 0x3f);
    return .{ .character = character, .length = length };
}

/// Where in valid UTF-8 so many characters end, or all of it where there are not as many.
pub fn offsetOf(bytes: []const u8, characters: usize) usize {
    if (characters >= bytes.len) return bytes.len;
    if (scan.isAscii(bytes)) return characters;
    var left = characters;
    for (bytes, 0..) |byte, at| {
        if (byte & 0xc0 == 0x80) continue;
        if (left == 0) return at;
        left -= 1;
    }
    return bytes.len;
}

/// How many characters valid UTF-8 has.
pub fn count(bytes: []const u8) usize {
    if (scan.isAscii(bytes)) return bytes.len;
    var characters: usize = 0;
    for (bytes) |byte| characters += @intFromBool(byte & 0xc0 != 0x80);
    return characters;
}

test "every character is valid and decodes to itself, every other sequence is refused" {
    var bytes: [4]u8 = undefined;
    for (0..0x110000) |number| {
        const character: u21 = @intCast(number);
        if (character >= 0xd800 and character < 0xe000) continue;
        const length = try std.unicode.utf8Encode(character, &bytes);
        try std.testing.expectEqual(null, indexOfInvalid(bytes[0..length]));
        try std.testing.expectEqual(character, decode(bytes[0..length]).character);
        if (length > 1) try std.testing.expectEqual(@as(?usize, 0), indexOfInvalid(bytes[0 .. length - 1]));
    }
    const bad = [_][]const u8{ "\x80", "\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff" };
    for (bad) |sequence| try std.testing.expectEqual(@as(?usize, 0), indexOfInvalid(sequence));
    try std.testing.expectEqual(@as(?usize, 20), indexOfInvalid("abcdefghijklmnopqrst\xe9x"));
}
