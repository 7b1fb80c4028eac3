//! Unicode normalization, canonical forms only (Unicode Standard, section 3.11, UAX #15): what the
//! conversion from and to MARC-8 needs. Characters are held as 32-bit numbers while it works.

const std = @import("std");
const tables = @import("normalization_tables.zig");

const hangul_first = 0xac00;
const hangul_count = 11172;
const lead_first = 0x1100;
const vowel_first = 0x1161;
const vowel_count = 21;
const trail_first = 0x11a7;
const trail_count = 28;

/// Longest run of combining marks that is put in order: anything longer is no text, and sorting
/// it all would take time that grows with its square.
const marks_max = 64;

/// No character before this combines, nor is the second of a pair that composes.
pub const mark_first = 0x300;

pub const Characters = std.ArrayList(u32);

/// Canonical combining class, 0 for a starter.
pub fn combiningClass(character: u32) u8 {
    if (character < mark_first) return 0;
    const found = std.sort.binarySearch(tables.ClassRange, &tables.classes, character, struct {
        fn order(wanted: u32, range: tables.ClassRange) std.math.Order {
            if (wanted < range.first) return .lt;
            return if (wanted > range.last) .gt else .eq;
        }
    }.order) orelse return 0;
    return tables.classes[found].class;
}

pub const Pair = struct { first: u32, second: u32 };

/// The canonical decomposition of one step, or null. `second` is 0 for a singleton.
pub fn decompose(character: u32) ?Pair {
    if (character < 0xc0) return null;
    if (character >= hangul_first and character < hangul_first + hangul_count) {
        const index = character - hangul_first;
        const trail = index % trail_count;
        if (trail != 0) return .{ .first = character - trail, .second = trail_first + trail };
        return .{
            .first = lead_first + index / (vowel_count * trail_count),
            .second = vowel_first + index / trail_count % vowel_count,
        };
    }
    const found = std.sort.binarySearch(tables.Decomposition, &tables.decompositions, character, struct {
        fn order(wanted: u32, entry: tables.Decomposition) std.math.Order {
            return std.math.order(wanted, entry.character);
        }
    }.order) orelse return null;
    const entry = tables.decompositions[found];
    return .{ .first = entry.first, .second = entry.second };
}

/// The character that two compose to, or null.
pub fn compose(first: u32, second: u32) ?u32 {
    // Most pairs are letters of plain text.
    if (second < mark_first) return null;
    if (first >= lead_first and first < lead_first + 19 and second >= vowel_first and second < vowel_first + vowel_count) {
        return hangul_first + ((first - lead_first) * vowel_count + (second - vowel_first)) * trail_count;
    }
    if (first >= hangul_first and first < hangul_first + hangul_count and (first - hangul_first) % trail_count == 0 and
        second > trail_first and second < trail_first + trail_count)
    {
        return first + (second - trail_first);
    }
    const found = std.sort.binarySearch(tables.Composition, &tables.compositions, Pair{ .first = first, .second = second }, struct {
        fn order(wanted: Pair, entry: tables.Composition) std.math.Order {
            const by_first = std.math.order(wanted.first, entry.first);
            return if (by_first == .eq) std.math.order(wanted.second, entry.second) else by_first;
        }
    }.order) orelse return null;
    return tables.compositions[found].character;
}

/// Append the full canonical decomposition of one character, not yet in order.
fn appendDecomposed(out: *Characters, gpa: std.mem.Allocator, character: u32) error{OutOfMemory}!void {
    // Decompositions only ever go on in their first part, four steps at the most.
    var seconds: [8]u32 = undefined;
    var depth: usize = 0;
    var first = character;
    while (decompose(first)) |pair| {
        first = pair.first;
        if (pair.second == 0) continue;
        seconds[depth] = pair.second;
        depth += 1;
    }
    try out.append(gpa, first);
    while (depth > 0) {
        depth -= 1;
        try out.append(gpa, seconds[depth]);
    }
}

/// Sort each run of combining marks by class, keeping the order within a class.
fn orderMarks(characters: []u32) void {
    var at: usize = 0;
    while (at < characters.len) {
        var end = at;
        while (end < characters.len and end - at < marks_max and combiningClass(characters[end]) != 0) end += 1;
        if (end == at) {
            at += 1;
            continue;
        }
        std.sort.insertion(u32, characters[at..end], {}, struct {
            fn lessThan(_: void, left: u32, right: u32) bool {
                return combiningClass(left) < combiningClass(right);
            }
        }.lessThan);
        at = end;
    }
}

/// Normalization Form C of `input`, appended to the empty list `out`.
pub fn nfc(out: *Characters, gpa: std.mem.Allocator, input: []const u32) error{OutOfMemory}!void {
    std.debug.assert(out.items.len == 0);
    for (input) |character| try appendDecomposed(out, gpa, character);
    orderMarks(out.items);

    const characters = out.items;
    var starter: ?usize = null;
    var last_class: u8 = 0;
    var kept: usize = 0;
    for (characters) |character| {
        const class = combiningClass(character);
        if (starter) |index| {
            // Blocked when something of the same or a higher class, or a starter, stands between.
            const adjacent = kept == index + 1;
            if (adjacent or (last_class < class and last_class != 0)) {
                if (compose(characters[index], character)) |composed| {
                    characters[index] = composed;
                    continue;
                }
            }
        }
        if (class == 0) starter = kept;
        last_class = class;
        characters[kept] = character;
        kept += 1;
    }
    out.shrinkRetainingCapacity(kept);
}

test "nothing before the first mark combines or composes" {
    for (tables.classes) |range| try std.testing.expect(range.first >= mark_first);
    for (tables.compositions) |entry| try std.testing.expect(entry.second >= mark_first);
}

test "canonical composition" {
    const gpa = std.testing.allocator;
    const cases = [_]struct { in: []const u32, out: []const u32 }{
        .{ .in = &.{ 'e', 0x301 }, .out = &.{0xe9} },
        // Marks of different classes are put in order before they compose.
        .{ .in = &.{ 'a', 0x302, 0x323 }, .out = &.{0x1ead} },
        // One mark of a class blocks the next of the same.
        .{ .in = &.{ 'a', 0x304, 0x301 }, .out = &.{ 0x101, 0x301 } },
        .{ .in = &.{ 0x1100, 0x1161, 0x11a8 }, .out = &.{0xac01} },
        // A singleton, and a composition exclusion.
        .{ .in = &.{0x212b}, .out = &.{0xc5} },
        .{ .in = &.{0x958}, .out = &.{ 0x915, 0x93c } },
        .{ .in = &.{ 0x301, 'a' }, .out = &.{ 0x301, 'a' } },
    };
    for (cases) |case| {
        var out: Characters = .empty;
        defer out.deinit(gpa);
        try nfc(&out, gpa, case.in);
        try std.testing.expectEqualSlices(u32, case.out, out.items);
    }
}
