//! Scanning of bytes for the few that matter, a vector at a time: delimiters, characters that a
//! format escapes, anything beyond ASCII. Everything here works on slices and never looks behind
//! their end.

const std = @import("std");

/// Bytes looked at together. Sixteen is what every supported machine has.
pub const lanes = 16;
const Vector = @Vector(lanes, u8);
const Mask = @Int(.unsigned, lanes);

/// One bit a lane, the first lane lowest: Zig sees to that whatever the machine's byte order.
inline fn mask(hits: anytype) @Int(.unsigned, @typeInfo(@TypeOf(hits)).vector.len) {
    return @bitCast(hits);
}

inline fn load(bytes: []const u8) Vector {
    return bytes[0..lanes].*;
}

/// A class of bytes: all below `below`, all above `above`, and each of `others`.
pub const Class = struct {
    below: u8 = 0,
    above: u8 = 0xff,
    others: []const u8 = "",

    inline fn has(comptime class: Class, byte: u8) bool {
        if (byte < class.below or byte > class.above) return true;
        inline for (class.others) |other| if (byte == other) return true;
        return false;
    }

    inline fn hits(comptime class: Class, vector: Vector) Mask {
        return mask(class.marks(vector) != @as(Vector, @splat(0)));
    }

    /// 1 in each lane that holds a byte of the class, 0 in the others.
    pub inline fn marks(comptime class: Class, bytes: anytype) @TypeOf(bytes) {
        const Bytes = @TypeOf(bytes);
        const zeros: Bytes = @splat(0);
        const ones: Bytes = @splat(1);
        var found: Bytes = if (class.below > 0) @select(u8, bytes < @as(Bytes, @splat(class.below)), ones, zeros) else zeros;
        if (class.above < 0xff) found |= @select(u8, bytes > @as(Bytes, @splat(class.above)), ones, zeros);
        inline for (class.others) |other| found |= @select(u8, bytes == @as(Bytes, @splat(other)), ones, zeros);
        return found;
    }
};

/// Index of the first byte of `class`, or the length.
pub fn indexOf(comptime class: Class, bytes: []const u8) usize {
    var at: usize = 0;
    while (at + lanes <= bytes.len) : (at += lanes) {
        const hits = class.hits(load(bytes[at..]));
        if (hits != 0) return at + @ctz(hits);
    }
    while (at < bytes.len) : (at += 1) if (class.has(bytes[at])) return at;
    return bytes.len;
}

/// Index of the first byte that is not of `class`, or the length.
pub inline fn indexOfOther(comptime class: Class, bytes: []const u8) usize {
    var at: usize = 0;
    while (at + lanes <= bytes.len) : (at += lanes) {
        const others = ~class.hits(load(bytes[at..]));
        if (others != 0) return at + @ctz(others);
    }
    while (at < bytes.len) : (at += 1) if (!class.has(bytes[at])) return at;
    return bytes.len;
}

/// Whether `bytes` are those of `form`, but where that has the byte `any`.
pub inline fn isLike(comptime form: []const u8, comptime any: u8, bytes: *const [form.len]u8) bool {
    const width: u16 = comptime @min(16, std.math.floorPowerOfTwo(usize, form.len));
    const Number = @Int(.unsigned, 8 * width);
    const Part = if (width == 16) @Vector(16, u8) else Number;
    var different: Part = if (width == 16) @splat(0) else 0;
    comptime var at: usize = 0;
    inline while (at < form.len) : (at += width) {
        // The last part overlaps the one before. `@bitCast` takes the first byte for the lowest everywhere.
        const start = comptime @min(at, form.len - width);
        const expected, const matters = comptime blk: {
            const expected: [width]u8 = form[start..][0..width].*;
            var matters: [width]u8 = @splat(0xff);
            for (&matters, expected) |*one, byte| if (byte == any) {
                one.* = 0;
            };
            break :blk if (width == 16) .{ @as(Part, expected), @as(Part, matters) } else .{ @as(Part, @bitCast(expected)), @as(Part, @bitCast(matters)) };
        };
        const part: Part = if (width == 16) bytes[start..][0..width].* else std.mem.readInt(Number, bytes[start..][0..width], .little);
        different |= (part ^ expected) & matters;
    }
    return if (width == 16) mask(different != @as(Part, @splat(0))) == 0 else different == 0;
}

/// Whether `byte` stands anywhere before a byte of `class`.
pub fn hasBefore(comptime byte: u8, comptime class: Class, bytes: []const u8) bool {
    var at: usize = 0;
    while (at + lanes < bytes.len) : (at += lanes) {
        const here = mask(load(bytes[at..]) == @as(Vector, @splat(byte)));
        if (here & class.hits(load(bytes[at + 1 ..])) != 0) return true;
    }
    while (at + 1 < bytes.len) : (at += 1) if (bytes[at] == byte and class.has(bytes[at + 1])) return true;
    return false;
}

/// How many bytes are of `class`.
pub fn count(comptime class: Class, bytes: []const u8) usize {
    var at: usize = 0;
    var total: usize = 0;
    while (at + lanes <= bytes.len) {
        // Each lane counts by itself, in a byte, for as long as that can hold: the oldest machines
        // that are served have no instruction to count bits with.
        var counts: Vector = @splat(0);
        const end = @min(bytes.len - bytes.len % lanes, at + 255 * lanes);
        while (at < end) : (at += lanes) counts += class.marks(load(bytes[at..]));
        total += @reduce(.Add, @as(@Vector(lanes, u16), counts));
    }
    while (at < bytes.len) : (at += 1) total += @intFromBool(class.has(bytes[at]));
    return total;
}

/// Bytes that are looked at together where most texts are short: nearly all of them are one block
/// then, and a wider one would be for nothing.
pub const block_length = 32;
pub const Block = @Vector(block_length, u8);

/// The block at `at`, which ends in zeros where the bytes do.
pub inline fn blockAt(bytes: []const u8, at: usize) Block {
    if (at + block_length > bytes.len) return lastBlock(bytes[at..]);
    return bytes[at..][0..block_length].*;
}

noinline fn lastBlock(bytes: []const u8) Block {
    @branchHint(.cold);
    var block: [block_length]u8 = @splat(0);
    @memcpy(block[0..bytes.len], bytes);
    return block;
}

/// Index of the first byte of `class` in a block, or the block's length.
pub inline fn indexIn(comptime class: Class, block: Block) usize {
    return @ctz(hitsIn(class, block));
}

/// A bit for each byte of a block, which is of any length: the first one lowest, 1 when it is of `class`.
pub inline fn hitsIn(comptime class: Class, block: anytype) @Int(.unsigned, @typeInfo(@TypeOf(block)).vector.len) {
    return mask(class.marks(block) != @as(@TypeOf(block), @splat(0)));
}

/// Whether all of a few bytes stand for themselves: printable ASCII, and not of `class`.
pub inline fn isPlain(comptime class: Class, bytes: []const u8) bool {
    const table = comptime blk: {
        @setEvalBranchQuota(5000);
        var table: [256]u8 = @splat(0);
        for (' '..0x7f) |byte| table[byte] = @intFromBool(!class.has(byte));
        break :blk table;
    };
    var plain: u8 = 1;
    for (bytes) |byte| plain &= table[byte];
    return plain != 0;
}

/// Copy the bytes before the first one of `class` to `target`, which has room for all of `bytes`, and
/// tell how many that were.
pub inline fn copyUntil(comptime class: Class, target: []u8, bytes: []const u8) usize {
    var at: usize = 0;
    while (at + block_length <= bytes.len) : (at += block_length) {
        const block: Block = bytes[at..][0..block_length].*;
        target[at..][0..block_length].* = block;
        const index = indexIn(class, block);
        if (index < block_length) return at + index;
    }
    while (at < bytes.len and !class.has(bytes[at])) : (at += 1) target[at] = bytes[at];
    return at;
}

pub fn isAscii(bytes: []const u8) bool {
    return indexOfHigh(bytes) == bytes.len;
}

/// Index of the first byte that is not ASCII, or the length.
pub fn indexOfHigh(bytes: []const u8) usize {
    var at: usize = 0;
    // Most text has none: several vectors are one question.
    const together = 4;
    while (at + together * lanes <= bytes.len) : (at += together * lanes) {
        var any = load(bytes[at..]);
        inline for (1..together) |index| any |= load(bytes[at + index * lanes ..]);
        if (mask(any >= @as(Vector, @splat(0x80))) != 0) break;
    } else if (bytes.len >= together * lanes) {
        // What is left is looked at together with what comes before it, which has none.
        const last = bytes[bytes.len - together * lanes ..];
        var any = load(last);
        inline for (1..together) |index| any |= load(last[index * lanes ..]);
        if (mask(any >= @as(Vector, @splat(0x80))) == 0) return bytes.len;
    }
    while (at + lanes <= bytes.len) : (at += lanes) {
        const hits = mask(load(bytes[at..]) >= @as(Vector, @splat(0x80)));
        if (hits != 0) return at + @ctz(hits);
    }
    while (at < bytes.len) : (at += 1) if (bytes[at] >= 0x80) return at;
    return bytes.len;
}

test "counting goes on behind what a lane can hold" {
    var bytes: [3 * 255 * lanes + 7]u8 = @splat('<');
    try std.testing.expectEqual(bytes.len, count(.{ .others = "<" }, &bytes));
    bytes[5] = 'x';
    try std.testing.expectEqual(bytes.len - 1, count(.{ .others = "<" }, &bytes));
    try std.testing.expectEqual(@as(usize, 1), count(.{ .others = "x" }, &bytes));
}

test "a byte of the class is found wherever it stands" {
    const class: Class = .{ .below = 0x20, .others = "<&" };
    var bytes: [50]u8 = @splat('x');
    try std.testing.expectEqual(@as(usize, 50), indexOf(class, &bytes));
    for (0..bytes.len) |at| {
        for ([_]u8{ '<', '&', 0x1f, 0 }) |special| {
            bytes[at] = special;
            try std.testing.expectEqual(at, indexOf(class, &bytes));
            try std.testing.expectEqual(@as(usize, 1), count(class, &bytes));
            try std.testing.expectEqual(at > 0, hasBefore('x', class, &bytes));
            try std.testing.expect(!hasBefore('y', class, &bytes));
            for (0..bytes.len) |from| {
                const found = if (at >= from and at < from + block_length) at - from else @min(block_length, bytes.len - from);
                try std.testing.expectEqual(found, indexIn(class, blockAt(&bytes, from)));
            }
        }
        bytes[at] = 0xe9;
        try std.testing.expectEqual(at, indexOfHigh(&bytes));
        bytes[at] = 'x';
    }
}

test "a byte beyond ASCII is found in bytes of any number" {
    var bytes: [150]u8 = @splat('x');
    for (0..bytes.len + 1) |length| {
        try std.testing.expectEqual(length, indexOfHigh(bytes[0..length]));
        for (0..length) |at| {
            bytes[at] = 0x80;
            try std.testing.expectEqual(at, indexOfHigh(bytes[0..length]));
            bytes[at] = 'x';
        }
    }
}

test "bytes are like a form, but where anything may stand" {
    // One part, and several that overlap, of each width.
    inline for (.{ "]", "ab", "a0c", "<b>0", "<leader>0", "0123456789abcdef", "<subfield code=\"0\">", "<datafield tag=\"000\" ind1=\"0\">" }) |form| {
        var bytes: [form.len]u8 = form[0..form.len].*;
        for (&bytes, form) |*byte, expected| {
            for (0..256) |other| {
                byte.* = @intCast(other);
                try std.testing.expectEqual(expected == '0' or byte.* == expected, isLike(form, '0', &bytes));
            }
            byte.* = expected;
        }
    }
}

test "what is not of the class, and what stands for itself" {
    const blanks: Class = .{ .others = " \n" };
    var bytes: [40]u8 = @splat(' ');
    try std.testing.expectEqual(@as(usize, 40), indexOfOther(blanks, &bytes));
    for (0..bytes.len) |at| {
        bytes[at] = '<';
        try std.testing.expectEqual(at, indexOfOther(blanks, &bytes));
        bytes[at] = '\n';
    }
    for (0..256) |number| {
        const byte: u8 = @intCast(number);
        try std.testing.expectEqual(byte >= ' ' and byte <= '~' and byte != '&', isPlain(.{ .others = "&" }, &.{ 'x', byte }));
    }
}
