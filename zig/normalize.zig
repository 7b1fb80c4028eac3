//! Unicode normalization, canonical forms only (Unicode Standard, section 3.11, UAX #15): for the
//! conversion from and to MARC-8, and for whoever wants text in one of them. Characters are held as 32-bit
//! numbers while it works.

const std = @import("std");
const scan = @import("scan.zig");
const tables = @import("normalization_tables.zig");
const utf8 = @import("utf8.zig");
const Buffer = @import("buffer.zig").Buffer;

/// A form of text; `none` leaves it as it is.
pub const Form = enum(u32) { none = 0, nfc = 1, nfd = 2 };

const hangul_first = 0xac00;
const hangul_count = 11172;
const lead_first = 0x1100;
const vowel_first = 0x1161;
const vowel_count = 21;
const trail_first = 0x11a7;
const trail_count = 28;

/// A run of combining marks is hardly ever longer. One that is must not take time that grows with its square.
const marks_few = 32;

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
fn orderMarks(characters: *Characters, gpa: std.mem.Allocator) error{OutOfMemory}!void {
    var at: usize = 0;
    while (at < characters.items.len) {
        var end = at;
        while (end < characters.items.len and combiningClass(characters.items[end]) != 0) end += 1;
        if (end == at) {
            at += 1;
            continue;
        }
        const marks = characters.items[at..end];
        if (marks.len <= marks_few) {
            std.sort.insertion(u32, marks, {}, struct {
                fn lessThan(_: void, left: u32, right: u32) bool {
                    return combiningClass(left) < combiningClass(right);
                }
            }.lessThan);
        } else {
            try characters.ensureUnusedCapacity(gpa, marks.len);
            countMarks(characters.items[at..end], characters.unusedCapacitySlice()[0 .. end - at]);
        }
        at = end;
    }
}

/// The same for one long run, by counting. `room` is as long.
fn countMarks(marks: []u32, room: []u32) void {
    var places: [256]usize = @splat(0);
    for (marks) |mark| places[combiningClass(mark)] += 1;
    var next: usize = 0;
    for (&places) |*place| {
        const count = place.*;
        place.* = next;
        next += count;
    }
    for (marks) |mark| {
        const place = &places[combiningClass(mark)];
        room[place.*] = mark;
        place.* += 1;
    }
    @memcpy(marks, room);
}

/// Normalization Form D of `input`, appended to the empty list `out`.
pub fn nfd(out: *Characters, gpa: std.mem.Allocator, input: []const u32) error{OutOfMemory}!void {
    std.debug.assert(out.items.len == 0);
    for (input) |character| try appendDecomposed(out, gpa, character);
    try orderMarks(out, gpa);
}

/// Normalization Form C of `input`, appended to the empty list `out`.
pub fn nfc(out: *Characters, gpa: std.mem.Allocator, input: []const u32) error{OutOfMemory}!void {
    try nfd(out, gpa, input);
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

/// Brings UTF-8 into a form. What stays as it is, nearly all of most text, is only looked at.
pub const Normalizer = struct {
    gpa: std.mem.Allocator,
    form: Form,
    characters: Characters = .empty,
    normal: Characters = .empty,

    pub fn deinit(self: *Normalizer) void {
        self.characters.deinit(self.gpa);
        self.normal.deinit(self.gpa);
    }

    /// Append `text`, valid UTF-8, in the form.
    pub fn append(self: *Normalizer, out: *Buffer, text: []const u8) error{OutOfMemory}!void {
        // What is before `done` is in `out`. The character that begins at `last` is the only one before
        // `at` that a change there may take in.
        var done: usize = 0;
        var last: usize = 0;
        var at: usize = 0;
        while (true) {
            const ascii = scan.indexOfHigh(text[at..]);
            if (ascii > 0) last = at + ascii - 1;
            at += ascii;
            if (at == text.len) break;
            const first = utf8.decode(text[at..]);
            if (self.stays(first.character)) {
                last = at;
                at += first.length;
                continue;
            }
            while (at < text.len) {
                const decoded = utf8.decode(text[at..]);
                if (self.stays(decoded.character)) break;
                at += decoded.length;
            }
            try out.append(text[done..last]);
            try self.appendNormal(out, text[last..at]);
            done = at;
            last = at;
        }
        try out.append(text[done..]);
    }

    /// Whether a character is the same in the form, whatever stands before it.
    fn stays(self: *const Normalizer, character: u32) bool {
        const bits = tables.pages[tables.page_numbers[character >> 8]][character % 256 / 4];
        return bits >> @intCast(character % 4 * 2) & @backingInt(self.form) == 0;
    }

    noinline fn appendNormal(self: *Normalizer, out: *Buffer, text: []const u8) error{OutOfMemory}!void {
        self.characters.clearRetainingCapacity();
        self.normal.clearRetainingCapacity();
        var at: usize = 0;
        while (at < text.len) {
            const decoded = utf8.decode(text[at..]);
            try self.characters.append(self.gpa, decoded.character);
            at += decoded.length;
        }
        switch (self.form) {
            .none => unreachable,
            .nfc => try nfc(&self.normal, self.gpa, self.characters.items),
            .nfd => try nfd(&self.normal, self.gpa, self.characters.items),
        }
        for (self.normal.items) |character| try out.appendCharacter(@intCast(character));
    }
};

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

test "text is brought into each form, wherever it changes" {
    const gpa = std.testing.allocator;
    const cases = [_]struct { in: []const u8, nfc: []const u8, nfd: []const u8 }{
        .{ .in = "", .nfc = "", .nfd = "" },
        .{ .in = "plain", .nfc = "plain", .nfd = "plain" },
        .{ .in = "e\u{301}", .nfc = "\u{e9}", .nfd = "e\u{301}" },
        .{ .in = "\u{301}\u{e9}\u{301}x", .nfc = "\u{301}\u{e9}\u{301}x", .nfd = "\u{301}e\u{301}\u{301}x" },
        .{ .in = "\u{e9}a\u{302}\u{323}b\u{e9}\u{323}", .nfc = "\u{e9}\u{1ead}b\u{1eb9}\u{301}", .nfd = "e\u{301}a\u{323}\u{302}be\u{323}\u{301}" },
        .{ .in = "\u{1100}\u{1161}\u{11a8}\u{ac00}\u{11a8}", .nfc = "\u{ac01}\u{ac01}", .nfd = "\u{1100}\u{1161}\u{11a8}\u{1100}\u{1161}\u{11a8}" },
        .{ .in = "\u{1d15f}\u{1f600}", .nfc = "\u{1d158}\u{1d165}\u{1f600}", .nfd = "\u{1d158}\u{1d165}\u{1f600}" },
        // A pair whose first part is the second of another.
        .{ .in = "\u{16d63}\u{16d68}", .nfc = "\u{16d6a}", .nfd = "\u{16d63}\u{16d67}\u{16d67}" },
    };
    for (cases) |case| for ([_]struct { Form, []const u8 }{ .{ .none, case.in }, .{ .nfc, case.nfc }, .{ .nfd, case.nfd } }) |expected| {
        var normalizer: Normalizer = .{ .gpa = gpa, .form = expected[0] };
        defer normalizer.deinit();
        var out: Buffer = .{ .gpa = gpa };
        defer out.deinit();
        try normalizer.append(&out, case.in);
        try std.testing.expectEqualStrings(expected[1], out.items());
    };
}

test "many marks are put in order, and quickly" {
    const gpa = std.testing.allocator;
    const count = 100_000;
    const marks = try gpa.alloc(u32, count);
    defer gpa.free(marks);
    // Above and below in turn.
    for (marks, 0..) |*mark, index| mark.* = if (index % 2 == 0) 0x301 else 0x323;
    var out: Characters = .empty;
    defer out.deinit(gpa);
    try nfd(&out, gpa, marks);
    for (out.items, 0..) |mark, index| try std.testing.expectEqual(@as(u32, if (index < count / 2) 0x323 else 0x301), mark);
}
