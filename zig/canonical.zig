//! The check that nearly every record passes: is it sound, with its fields in the order of the
//! directory, one behind the other, and terminators at their ends and nowhere else? It answers yes
//! or no, and no for a record of very few fields, too; `iso2709.check` then finds out the rest.
//!
//! Several entries of the directory are looked at together. Each is a row of bytes, whose digits are
//! multiplied by what their places are worth and added up; then the rows become columns, all lengths
//! in one and all starts in another.

const std = @import("std");
const builtin = @import("builtin");
const iso2709 = @import("iso2709.zig");
const record_module = @import("record.zig");

const leader_length = record_module.leader_length;
const entry_length = record_module.entry_length;
const field_terminator = record_module.field_terminator;
const record_terminator = record_module.record_terminator;

/// Whether vectors are wider than on any machine of the architecture: what is compiled for AVX2.
pub const is_wide = builtin.cpu.arch == .x86_64 and builtin.cpu.has(.x86, .avx2);
/// Bytes in a vector. What looks at text gains nothing from wider ones, most of it is short.
const lanes = if (is_wide) 32 else 16;
/// Entries looked at together, and the fewest that a record has to have.
const rows = lanes / 4;
/// A number of each of them.
const Column = @Vector(rows, u32);
const Bytes = @Vector(lanes, u8);
const Words = @Vector(2 * rows, u16);
/// Terminators are counted in steps of so many bytes, of which the first may begin in the head.
const step_length = 64;

comptime {
    std.debug.assert(leader_length + rows * entry_length >= step_length);
    std.debug.assert(field_terminator == record_terminator + 1);
}

/// The length of a canonical record and its base address, both 0 for what is none. A number, because
/// that comes back in a register: the next record's place waits for it.
pub const Found = packed struct(u64) { length: u32, base_address: u32 };

/// Look at the record at the start of `data`, which may be sound when it is not canonical.
pub noinline fn find(data: []const u8) Found {
    const none: Found = .{ .length = 0, .base_address = 0 };
    if (data.len < leader_length) return none;
    const length = iso2709.parseDigits(5, data[0..5]) orelse return none;
    const base = iso2709.parseDigits(5, data[12..17]) orelse return none;
    if (length > data.len or base <= leader_length + rows * entry_length or base + rows >= length) return none;
    const record = data[0..length];
    const count = (base - 1 - leader_length) / entry_length;
    if (base != leader_length + count * entry_length + 1) return none;
    if (record[base - 1] != field_terminator or record[length - 1] != record_terminator) return none;
    if (!isHeadCanonical(record, base, count)) return none;
    // The ends of the fields and of the directory have 1E, and the record's 1D weighs two.
    if (terminatorWeight(record, base - 1) != count + 1 + 2) return none;
    return .{ .length = length, .base_address = base };
}

/// Whether the leader is printable ASCII, each entry is a tag and digits, its field begins where the
/// one before ends and ends with 1E, and the last ends where the data does.
inline fn isHeadCanonical(record: []const u8, base: usize, count: usize) bool {
    // What is behind the leader is printable, too.
    var wrong: Bytes = @splat(0);
    inline for (0..32 / lanes) |part| {
        const bytes: Bytes = record[part * lanes ..][0..lanes].*;
        wrong |= (bytes -% @as(Bytes, @splat(' '))) -| @as(Bytes, @splat('~' - ' '));
    }
    // Each begins a byte early: there an end is the place of its terminator, an entry a row.
    const data = record[base - 1 .. record.len - 1];
    const entries = record[leader_length - 1 .. base + 2];
    var ends = fieldEnds(entries, all(0), @bitCast(wrong), data) orelse return false;
    // The second step may look at some entries again, then all steps are whole.
    var index = (count - 1) % rows + 1;
    ends = all(@as([rows]u32, ends)[index - 1]);
    while (index < count) : (index += rows) {
        ends = fieldEnds(entries[index * entry_length ..], ends, all(0), data) orelse return false;
    }
    return ends[rows - 1] == data.len - 1;
}

/// Where the fields of the next entries end, when nothing is wrong with them and what was found before.
inline fn fieldEnds(entries: []const u8, ends_before: Column, wrong_before: Column, data: []const u8) ?Column {
    // A byte that is beyond what may stand in its place shows in the highest of all rows.
    var highest: Bytes = @splat(0);
    var numbers: [4]Column = undefined;
    inline for (&numbers, 0..) |*number, index| {
        const row = rowOf(entries, index) -% lowest;
        highest = @max(highest, row);
        number.* = numbersOf(row);
    }
    const pairs: [2]Column = .{ sumsOfTwo(numbers[0], numbers[1]), sumsOfTwo(numbers[2], numbers[3]) };
    const lengths = picked(pairs[0], pairs[1], .{ 0, 2, 4, 6 });
    const starts = picked(pairs[0], pairs[1], .{ 1, 3, 5, 7 });
    const ends = starts + lengths;
    const wrong = wrong_before | @as(Column, @bitCast(highest -| width)) | (starts ^ moved(ends_before, ends)) |
        @select(u32, lengths == all(0), all(std.math.maxInt(u32)), all(0));
    if (@reduce(.Or, wrong) != 0 or ends[rows - 1] >= data.len) return null;
    inline for (0..rows) |index| if (data[ends[index]] != field_terminator) return null;
    return ends;
}

inline fn all(value: u32) Column {
    return @splat(value);
}

const row_length = 16;
/// In a row: a byte of anything, a tag, a length, a start, and three bytes of anything.
const lowest = everyRow("\x00!!!000000000\x00\x00\x00".*);
const width = everyRow("\xff]]]\t\t\t\t\t\t\t\t\t\xff\xff\xff".*);

fn everyRow(comptime values: anytype) @Vector(values.len * lanes / row_length, @TypeOf(values[0])) {
    var every: [values.len * lanes / row_length]@TypeOf(values[0]) = undefined;
    for (&every, 0..) |*value, index| value.* = values[index % values.len];
    return every;
}

/// An entry, and beside it the fourth behind it where vectors are so wide.
inline fn rowOf(entries: []const u8, comptime index: usize) Bytes {
    const row: @Vector(row_length, u8) = entries[index * entry_length ..][0..row_length].*;
    if (rows == 4) return row;
    return std.simd.join(row, @as(@Vector(row_length, u8), entries[(index + 4) * entry_length ..][0..row_length].*));
}

/// Nothing, the length, the start but for its last digit, and that.
inline fn numbersOf(row: Bytes) Column {
    // The first byte of a word is its lower one, whatever the machine's byte order.
    const words: Words = @bitCast(row);
    return weighed(words & @as(Words, @splat(0xff)), everyRow([8]i16{ 0, 0, 1000, 10, 10000, 100, 1, 0 })) +
        weighed(words >> @splat(8), everyRow([8]i16{ 0, 0, 100, 1, 1000, 10, 0, 0 }));
}

/// Each two neighbours multiplied by their weights and added: one instruction of x86.
inline fn weighed(words: Words, weights: @Vector(2 * rows, i16)) Column {
    const Products = @Vector(2 * rows, i32);
    const products = @as(Products, @as(@Vector(2 * rows, i16), @bitCast(words))) * @as(Products, weights);
    const even = std.simd.iota(i32, rows) * @as(@Vector(rows, i32), @splat(2));
    const odd = even + @as(@Vector(rows, i32), @splat(1));
    return @bitCast(@shuffle(i32, products, undefined, even) + @shuffle(i32, products, undefined, odd));
}

/// The sums of each two neighbours in groups of four.
inline fn sumsOfTwo(one: Column, other: Column) Column {
    return picked(one, other, .{ 0, 2, 4, 6 }) + picked(one, other, .{ 1, 3, 5, 7 });
}

/// All of `column` but the last, behind the last of `before`.
inline fn moved(before: Column, column: Column) Column {
    comptime var order: [rows]i32 = undefined;
    comptime for (&order, 0..) |*place, index| {
        place.* = if (index == 0) ~@as(i32, rows - 1) else index - 1;
    };
    return @shuffle(u32, column, before, order);
}

/// Four of the eight words of two groups, for each two groups.
inline fn picked(one: Column, other: Column, comptime order: [4]i32) Column {
    comptime var places: [rows]i32 = undefined;
    comptime for (&places, 0..) |*place, index| {
        const group = index - index % 4;
        const from = order[index % 4];
        place.* = if (from < 4) group + from else ~@as(i32, group + from - 4);
    };
    return @shuffle(u32, one, other, places);
}

/// How many 1E the record has from `from` on, where 1E stands, and twice how many 1D. There are
/// neither of them before that, and `step_length` bytes or more.
inline fn terminatorWeight(record: []const u8, from: usize) usize {
    const length = std.mem.alignForward(usize, record.len - from, step_length);
    var at = record.len - length;
    var rest: usize = 0;
    while (at < record.len) {
        // Each lane adds up by itself for as long as a byte can hold it.
        const end = @min(record.len, at + step_length * 31);
        var rests: Bytes = @splat(0);
        while (at < end) : (at += step_length) {
            inline for (0..step_length / lanes) |part| {
                const bytes: Bytes = record[at + part * lanes ..][0..lanes].*;
                rests += @min(bytes -% @as(Bytes, @splat(record_terminator)), @as(Bytes, @splat(2)));
            }
        }
        rest += @reduce(.Add, @as(@Vector(lanes, u16), rests));
    }
    return 2 * length - rest;
}

/// A record with so many fields, the first of `extra` bytes more than the others.
fn write(out: *std.ArrayList(u8), count: usize, extra: usize) !void {
    const gpa = std.testing.allocator;
    var bytes: [64]u8 = undefined;
    const base = leader_length + count * entry_length + 1;
    const length = base + count * 5 + extra + 1;
    try out.appendSlice(gpa, try std.fmt.bufPrint(&bytes, "{d:0>5}nam a22{d:0>5} a 4500", .{ length, base }));
    var start: usize = 0;
    for (0..count) |index| {
        const field_length = 5 + if (index == 0) extra else 0;
        try out.appendSlice(gpa, try std.fmt.bufPrint(&bytes, "{d:0>3}{d:0>4}{d:0>5}", .{ 100 + index % 900, field_length, start }));
        start += field_length;
    }
    try out.append(gpa, field_terminator);
    for (0..count) |index| {
        try out.appendSlice(gpa, "  \x1fa");
        if (index == 0) try out.appendNTimes(gpa, 'x', extra);
        try out.append(gpa, field_terminator);
    }
    try out.append(gpa, record_terminator);
}

/// Whether a record is seen to be canonical, and really is: found out step by step.
fn expectFound(record: []const u8) !bool {
    var problem: @import("problem.zig").Problem = .{};
    const found = find(record);
    const status = iso2709.checkClosely(record, true, &problem) catch {
        try std.testing.expectEqual(0, found.length);
        return false;
    };
    if (status == .end) {
        try std.testing.expectEqual(0, found.length);
        return false;
    }
    const is_enough = status.record.fieldCount() >= rows;
    try std.testing.expectEqual(is_enough and status.record.is_canonical, found.length > 0);
    if (found.length > 0) {
        try std.testing.expectEqual(status.record.length, found.length);
        try std.testing.expectEqual(status.record.base_address, found.base_address);
    }
    return found.length > 0;
}

test "records of every number of fields, and long ones, are found to be canonical" {
    const gpa = std.testing.allocator;
    var record: std.ArrayList(u8) = .empty;
    defer record.deinit(gpa);
    for (0..70) |count| for ([_]usize{ 0, 1, 30, 9994 }) |extra| {
        record.clearRetainingCapacity();
        try write(&record, count, if (count == 0) 0 else extra);
        try std.testing.expectEqual(count >= rows, try expectFound(record.items));
        // Behind the record nothing is looked at.
        try record.appendSlice(gpa, "\x1d\x1e\x1d\x1e");
        try std.testing.expectEqual(count >= rows, try expectFound(record.items));
    };
    // More terminators than a lane can count.
    record.clearRetainingCapacity();
    try write(&record, 5000, 9000);
    try std.testing.expect(try expectFound(record.items));
    for ("\x1d\x1e") |terminator| {
        const base = leader_length + 5000 * entry_length + 1;
        @memset(record.items[base..][0..9000], terminator);
        try std.testing.expect(!try expectFound(record.items));
    }
}

test "no damaged record is found to be canonical" {
    const gpa = std.testing.allocator;
    var sound: std.ArrayList(u8) = .empty;
    defer sound.deinit(gpa);
    try write(&sound, 2 * rows + 1, 3);
    const damaged = try gpa.dupe(u8, sound.items);
    defer gpa.free(damaged);
    for (0..damaged.len) |at| {
        for (0..256) |value| {
            damaged[at] = @intCast(value);
            _ = try expectFound(damaged);
        }
        damaged[at] = sound.items[at];
        _ = try expectFound(damaged[0..at]);
    }
    // Several bytes at once: what one of them spoils another may hide.
    var random: std.Random.DefaultPrng = .init(1);
    const data = leader_length + (2 * rows + 1) * entry_length;
    var canonical: usize = 0;
    for (0..100_000) |_| {
        @memcpy(damaged, sound.items);
        for (0..random.random().intRangeAtMost(usize, 1, 4)) |_| {
            if (random.random().boolean()) {
                const at = random.random().intRangeLessThan(usize, data, damaged.len);
                damaged[at] = "\x1d\x1ex "[random.random().int(u2)];
            } else damaged[random.random().intRangeLessThan(usize, 0, data)] = '0' + random.random().uintLessThan(u8, 10);
        }
        canonical += @intFromBool(try expectFound(damaged));
    }
    try std.testing.expect(canonical > 1000);
}

test "a field without bytes is not made up for by a terminator elsewhere" {
    const gpa = std.testing.allocator;
    var record: std.ArrayList(u8) = .empty;
    defer record.deinit(gpa);
    try write(&record, 2 * rows, 0);
    // The second field is empty, the third has both, with a terminator inside.
    @memcpy(record.items[leader_length + entry_length ..][0 .. 2 * entry_length], "101000000005" ++ "102001000005");
    try std.testing.expect(!try expectFound(record.items));
}
