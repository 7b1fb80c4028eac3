//! What can be saved of a damaged ISO 2709 record. Everything is told twice in a record: by the
//! numbers in leader and directory, and by the terminators in the data. Where the two agree a field
//! is sure; from one sure place to the next the other witness is heard.
//!
//! The record is all that stands between the end of the one before and where the next begins
//! (`walk.zig`). Its leader and directory may be damaged as well as its fields, by bytes that were
//! changed, added or left out. Records that are too long for their numbers come here, too.

const std = @import("std");
const iso2709 = @import("iso2709.zig");
const record_module = @import("record.zig");
const problem_module = @import("problem.zig");
const Code = problem_module.Code;
const Outcome = problem_module.Outcome;
const Problem = problem_module.Problem;
const Record = record_module.Record;
const Tag = record_module.Tag;

const leader_length = record_module.leader_length;
const entry_length = record_module.entry_length;
const field_terminator = record_module.field_terminator;
const record_terminator = record_module.record_terminator;

/// Bytes of an entry with a number too large for its place.
const wide_length = entry_length + 1;

/// No more is put down about one record.
pub const problems_max = 64;

/// A directory entry, as far as it can be told.
const Entry = struct {
    tag: ?Tag,
    length: ?usize = null,
    start: ?usize = null,
    /// Offset in the record, and bytes.
    at: usize,
    width: usize,
};

/// Bytes of a field without its terminator, and where the next one begins, counted from where the
/// data does.
const Place = struct { start: usize, end: usize, next: usize };

pub const Salvage = struct {
    gpa: std.mem.Allocator,
    /// Nothing is saved of a record that is longer.
    record_max: usize = record_module.record_max_default,
    /// A copy of the record, which can be changed.
    bytes: std.ArrayList(u8) = .empty,
    problems: std.ArrayList(Problem) = .empty,
    entries: std.ArrayList(Entry) = .empty,
    places: std.ArrayList(?Place) = .empty,
    order: std.ArrayList(u32) = .empty,
    /// Where in the data something begins: behind each terminator.
    ends: std.ArrayList(u32) = .empty,
    /// Problems beyond `problems_max`.
    untold: usize = 0,

    // Of the record at hand: where its directory begins and ends, and where its data does.
    directory: usize = 0,
    directory_end: usize = 0,
    base: usize = 0,
    data: []const u8 = &.{},
    /// All entries of the directory have 13 bytes.
    is_wide: bool = false,

    pub fn deinit(self: *Salvage) void {
        self.bytes.deinit(self.gpa);
        self.problems.deinit(self.gpa);
        self.entries.deinit(self.gpa);
        self.places.deinit(self.gpa);
        self.order.deinit(self.gpa);
        self.ends.deinit(self.gpa);
        self.* = undefined;
    }

    /// Fill `record` from a damaged one; false when nothing of it can be told. What was wrong is in
    /// `problems`, the last of which says so if the record is lost. The fields point into `bytes`.
    pub fn save(self: *Salvage, damaged: []const u8, record: *Record) error{OutOfMemory}!bool {
        record.reset();
        self.problems.clearRetainingCapacity();
        self.untold = 0;
        self.bytes.clearRetainingCapacity();
        const is_saved = if (damaged.len > self.record_max) too_long: {
            const problem = try self.problems.addOne(self.gpa);
            problem.* = .{};
            record_module.setTooLong(problem, damaged, self.record_max) catch {};
            break :too_long false;
        } else saved: {
            try self.bytes.appendSlice(self.gpa, damaged);
            break :saved try self.saveFields(record);
        };
        if (!is_saved) record.fields.clearRetainingCapacity();
        for (self.problems.items) |*problem| {
            if (!is_saved) problem.become(.lost);
            problem.look(damaged);
        }
        record.bytes = self.bytes.items;
        return is_saved;
    }

    fn saveFields(self: *Salvage, record: *Record) error{OutOfMemory}!bool {
        const bytes = self.bytes.items;
        if (bytes.len < leader_length + 1) {
            try self.note(.truncated_record, .lost, 0, bytes, "", "{d} bytes are no record, a leader has 24", .{bytes.len});
            return false;
        }
        const terminator = std.mem.indexOfScalarPos(u8, bytes, leader_length - 1, field_terminator) orelse {
            const is_cut = iso2709.isLikelyLeader(bytes[0..leader_length]);
            const code: Code = if (is_cut) .truncated_record else .record_length_invalid;
            try self.note(code, .lost, 0, bytes, "", "no directory can be found in {d} bytes", .{bytes.len});
            return false;
        };
        try self.findDirectory(terminator, &record.leader);
        const has_terminator = bytes[bytes.len - 1] == record_terminator;
        try self.readDirectory();
        try self.placeFields();
        if (!has_terminator) {
            const is_whole = self.data.len > 0 and self.data[self.data.len - 1] == field_terminator;
            try self.note(.end_of_record_not_found, if (is_whole) .warning else .salvaged, bytes.len - 1, bytes[bytes.len - 1 ..], "1D", "the record does not end with 1D", .{});
        }
        for (self.entries.items, self.places.items) |entry, place| {
            const at = place orelse continue;
            const tag = entry.tag orelse continue;
            const start = self.base + at.start;
            const end = self.base + at.end;
            for (bytes[start..end], start..) |*byte, offset| if (byte.* == field_terminator or byte.* == record_terminator) {
                try self.noteField(.delimiter_in_data, .salvaged, offset, bytes[offset .. offset + 1], "", tag, "a terminator stands inside the field: a blank is read for it", .{});
                byte.* = ' ';
            };
            try record.fields.append(record.gpa, .{ .tag = tag, .start = @intCast(start), .end = @intCast(end) });
        }
        if (record.fields.items.len > 0) return true;
        try self.note(.no_fields_found, .lost, self.directory, "", "", "no field can be told", .{});
        return false;
    }

    // ---- leader and directory

    /// Where directory and data are, and what the leader was.
    fn findDirectory(self: *Salvage, first: usize, leader: *[leader_length]u8) error{OutOfMemory}!void {
        const bytes = self.bytes.items;
        // A leader that lost or gained a byte moves the directory; so does a length in six digits. The
        // first terminator may be a byte of the directory that was damaged.
        var end = first;
        var most: usize = 0;
        self.directory = leader_length;
        const second = std.mem.indexOfScalarPos(u8, bytes, first + 1, field_terminator) orelse first;
        for ([_]usize{ first, second }) |terminator| {
            try self.setBase(terminator + 1);
            for ([_]usize{ 24, 25, 23, 26, 22 }) |begin| {
                const points = self.agreement(begin, terminator);
                if (points > most) {
                    most = points;
                    end = terminator;
                    self.directory = begin;
                }
            }
        }
        try self.setBase(end + 1);
        self.is_wide = self.isWide(self.directory, end);
        const best = self.directory;
        leader.* = try self.mendedLeader(bytes[0..best]);
        const stated: usize = digits(5, leader[12..17]) orelse 0;
        // A leader that is longer than 24 bytes may have been counted or not.
        const base = (stated + best) -| leader_length;
        self.directory_end = end;
        if (base == self.base or stated == self.base) return;
        if (base > best + entry_length and base < end and best + self.entriesFrom(best, base - 1) * entry_length == base - 1) {
            // The directory's own terminator is not there: another byte is, or none.
            const length = digits(4, bytes[best + 3 ..][0..4]).?;
            self.directory_end = base - 1;
            self.is_wide = false;
            try self.setBase(if (end + 1 == base - 1 + length) base - 1 else base);
            return self.note(.directory_invalid, .salvaged, base - 1, bytes[base - 1 .. base], "1E", "the directory should end here with 1E", .{});
        }
        var expected: [20]u8 = undefined;
        const right = std.fmt.bufPrint(&expected, "{d:0>5}", .{self.base - best + leader_length}) catch unreachable;
        const outcome: Outcome = if (self.base > iso2709.record_length_max) .warning else .salvaged;
        try self.note(.base_address_invalid, outcome, 12, leader[12..17], right, "the leader gives another base address than that behind the directory", .{});
    }

    /// How well the entries from here to there go with the data.
    fn agreement(self: *const Salvage, begin: usize, end: usize) usize {
        const bytes = self.bytes.items;
        var agreed: usize = 0;
        var at = begin;
        if (self.isWide(begin, end)) return 4 * (end - begin) / wide_length;
        while (at + entry_length <= end) {
            const entry = bytes[at..][0..entry_length];
            const is_right = isEntry(entry) and self.agrees(entryOf(entry, at));
            agreed += @intFromBool(is_right);
            at = if (is_right) at + entry_length else self.nextEntry(at, end);
        }
        // Every leader of MARC 21 ends so.
        const ends_well = begin <= bytes.len and std.mem.eql(u8, bytes[begin - 4 ..][0..3], "450");
        return 4 * agreed + 2 * @as(usize, @intFromBool(ends_well)) + @intFromBool(at == end);
    }

    /// Whether all entries have 13 bytes.
    fn isWide(self: *const Salvage, begin: usize, end: usize) bool {
        var at = begin;
        while (at + wide_length <= end) : (at += wide_length) {
            if (self.wideAt(at) == null) return false;
        }
        return at == end and at > begin;
    }

    /// Let the data begin here.
    fn setBase(self: *Salvage, base: usize) error{OutOfMemory}!void {
        const bytes = self.bytes.items;
        const end = bytes.len - @intFromBool(bytes.len > base and bytes[bytes.len - 1] == record_terminator);
        self.base = base;
        self.data = bytes[@min(base, end)..end];
        self.ends.clearRetainingCapacity();
        try self.ends.ensureTotalCapacityPrecise(self.gpa, std.mem.countScalar(u8, self.data, field_terminator));
        for (self.data, 1..) |byte, behind| if (byte == field_terminator) self.ends.appendAssumeCapacity(@intCast(behind));
    }

    /// How many sound entries stand one behind the other from here on.
    fn entriesFrom(self: *const Salvage, begin: usize, end: usize) usize {
        var at = begin;
        while (at + entry_length <= end) : (at += entry_length) {
            if (!isEntry(self.bytes.items[at..][0..entry_length])) break;
        }
        return (at - begin) / entry_length;
    }

    /// The leader of 24 bytes that the bytes before the directory come from.
    fn mendedLeader(self: *Salvage, found: []const u8) error{OutOfMemory}![leader_length]u8 {
        var leader: [leader_length]u8 = undefined;
        if (found.len == leader_length) {
            leader = found[0..leader_length].*;
        } else {
            // Bytes were added or are missing at one place: the one that gives the best leader.
            var most: usize = 0;
            for (0..leader_length + 1) |at| {
                var candidate: [leader_length]u8 = @splat(' ');
                if (found.len > leader_length) {
                    @memcpy(candidate[0..at], found[0..at]);
                    @memcpy(candidate[at..], found[at + found.len - leader_length ..]);
                } else {
                    const missing = leader_length - found.len;
                    if (at > found.len) break;
                    @memcpy(candidate[0..at], found[0..at]);
                    @memcpy(candidate[at + missing ..], found[at..]);
                }
                const points = 1 + likeness(&candidate);
                if (points > most) {
                    most = points;
                    leader = candidate;
                }
            }
        }
        const bytes = self.bytes.items;
        const length = bytes.len;
        const stated: ?usize = digits(5, leader[0..5]);
        if (stated != length or found.len != leader_length) {
            const first_digits = found[0 .. @as(usize, 5) + @intFromBool(found.len > leader_length)];
            // The record terminator at the end of a file: told elsewhere.
            if (stated == length + 1 and bytes[length - 1] == field_terminator and found.len == leader_length) return self.printable(found, leader);
            const is_too_long = length > iso2709.record_length_max and
                (number(first_digits) == length or number(first_digits) == length - 1 or stated == 0 or stated == 99_999 or stated == length % 100_000);
            var buffer: [20]u8 = undefined;
            const expected = std.fmt.bufPrint(&buffer, "{d:0>5}", .{length}) catch unreachable;
            try self.note(.record_length_invalid, if (is_too_long) .warning else .salvaged, 0, first_digits, expected, "the record has {d} bytes", .{length});
        }
        return self.printable(found, leader);
    }

    /// The leader with what stands in most of MARC 21 instead of bytes that no leader has.
    fn printable(self: *Salvage, found: []const u8, damaged: [leader_length]u8) error{OutOfMemory}![leader_length]u8 {
        var leader = damaged;
        for (&leader, "00000nam  2200000   4500") |*byte, usual| if (byte.* < ' ' or byte.* > '~') {
            byte.* = usual;
        };
        const behind_length = leader[5..];
        if (found.len < behind_length.len or !std.mem.eql(u8, behind_length, found[found.len - behind_length.len ..])) {
            try self.note(.leader_invalid, .salvaged, 0, found, &leader, "the leader is damaged", .{});
        }
        return leader;
    }

    /// The entries of the directory, as far as each can be told.
    fn readDirectory(self: *Salvage) error{OutOfMemory}!void {
        const bytes = self.bytes.items;
        self.entries.clearRetainingCapacity();
        const end = self.directory_end;
        var at = self.directory;
        while (at < end) {
            const entry = self.entryAt(at, end);
            const next = if (entry) |found| at + found.width else self.nextEntry(at, end);
            const told = entry orelse self.doubtful(at, next);
            if (entry == null) {
                try self.note(.directory_invalid, .salvaged, at, bytes[at..next], "", "a directory entry is damaged", .{});
                if (told.tag) |tag| self.tagLast(tag);
            }
            try self.entries.append(self.gpa, told);
            at = next;
        }
    }

    /// The entry here when it is well formed and goes with the data, or nothing near it does.
    fn entryAt(self: *const Salvage, at: usize, end: usize) ?Entry {
        const bytes = self.bytes.items;
        if (self.is_wide) return self.wideAt(at);
        if (at + entry_length <= end) {
            const entry = bytes[at..][0..entry_length];
            if (isEntry(entry)) {
                const told = entryOf(entry, at);
                if (self.agrees(told)) return told;
            }
        }
        if (at + wide_length <= end) if (self.wideAt(at)) |told| return told;
        // Well formed, and nothing near it goes better with the data.
        if (at + entry_length <= end and isEntry(bytes[at..][0..entry_length])) {
            const told = entryOf(bytes[at..][0..entry_length], at);
            const next = self.nextEntry(at, end);
            if (next == at + entry_length) return told;
        }
        return null;
    }

    /// The entry of 13 bytes here when it goes with the data: a length of five digits, or a start of
    /// six.
    fn wideAt(self: *const Salvage, at: usize) ?Entry {
        const wide = self.bytes.items[at..][0..wide_length];
        if (!record_module.isTag(wide[0..3])) return null;
        for ([_]usize{ 7, 8 }) |middle| {
            const told: Entry = .{
                .tag = wide[0..3].*,
                .length = number(wide[3..middle]) orelse return null,
                .start = number(wide[middle..]) orelse return null,
                .at = at,
                .width = wide_length,
            };
            if (self.agrees(told)) return told;
        }
        return null;
    }

    /// Where behind `at` the entries go on.
    fn nextEntry(self: *const Salvage, at: usize, end: usize) usize {
        const bytes = self.bytes.items;
        for ([_]usize{ 12, 11, 13, 10, 14 }) |width| {
            if (at + width == end) return end;
            if (at + width + entry_length > end) continue;
            const entry = bytes[at + width ..][0..entry_length];
            if (isEntry(entry) and self.agrees(entryOf(entry, at + width))) return at + width;
        }
        return @min(at + entry_length, end);
    }

    /// An entry that is damaged: its tag where that can be told.
    fn doubtful(self: *const Salvage, at: usize, end: usize) Entry {
        const bytes = self.bytes.items[at..end];
        var entry: Entry = .{ .tag = null, .at = at, .width = bytes.len };
        if (bytes.len == entry_length) {
            entry.length = digits(4, bytes[3..7]);
            entry.start = digits(5, bytes[7..12]);
        } else if (bytes.len == entry_length + 1 or bytes.len == entry_length - 1) {
            // Numbers that are whole show that the tag is not.
            const tail: [entry_length]u8 = "000".* ++ bytes[bytes.len - 9 ..][0..9].*;
            if (isEntry(&tail) and self.agrees(entryOf(&tail, at))) return entry;
        }
        if (bytes.len > 3 and record_module.isTag(bytes[0..3])) entry.tag = bytes[0..3].*;
        return entry;
    }

    // ---- fields

    /// Whether the data has a field just where the entry says, as far as its numbers reach.
    fn agrees(self: *const Salvage, entry: Entry) bool {
        const start: usize = entry.start orelse return false;
        if (start > 0 and (start > self.data.len or self.data[start - 1] != field_terminator)) return false;
        return self.fits(entry, start);
    }

    /// The same, and the numbers are right.
    fn isPlace(self: *const Salvage, entry: Entry) bool {
        return self.agrees(entry) and self.segmentAt(entry.start.?).? - entry.start.? == entry.length.?;
    }

    /// Behind the next terminator; null when there is none any more.
    fn segmentAt(self: *const Salvage, at: usize) ?usize {
        const ends = self.ends.items;
        const index = std.sort.upperBound(u32, ends, at, compare);
        return if (index < ends.len) ends[index] else null;
    }

    fn compare(at: usize, end: u32) std.math.Order {
        return std.math.order(at, end);
    }

    /// Whether a field that is `length` bytes long can be this entry's.
    fn isLength(entry: Entry, length: usize) bool {
        const stated = entry.length orelse return false;
        if (stated == length) return true;
        return length > iso2709.field_length_max and (stated == 9999 or stated == 0 or stated == length % 10_000);
    }

    /// Whether the field that begins here is as long as the entry says.
    fn fits(self: *const Salvage, entry: Entry, at: usize) bool {
        return isLength(entry, (self.segmentAt(at) orelse return false) - at);
    }

    /// Find the bytes of each entry's field.
    fn placeFields(self: *Salvage) error{OutOfMemory}!void {
        const entries = self.entries.items;
        self.places.clearRetainingCapacity();
        try self.places.appendNTimes(self.gpa, null, entries.len);
        try self.sort();
        const order = self.order.items;
        // The last of the entries that say just where their field is.
        var last_sure: ?usize = null;
        for (order, 0..) |index, rank| {
            if (self.isPlace(entries[index])) last_sure = rank;
        }
        const last = if (order.len > 0) entries[order[order.len - 1]] else null;
        const is_end_sure = last != null and last.?.start != null and last.?.length != null and
            last.?.start.? + last.?.length.? == self.data.len;
        var at: usize = 0;
        for (order, 0..) |index, rank| {
            const entry = entries[index];
            const next: ?Entry = if (rank + 1 < order.len) entries[order[rank + 1]] else null;
            const segment = self.segmentAt(at);
            const place = self.sure(entry, next, at) orelse place: {
                const in_step = entry.start == at and (is_end_sure or (last_sure != null and rank < last_sure.?));
                if (in_step) if (self.byLength(entry, at)) |place| break :place place;
                if (segment != null and self.fits(entry, segment.?)) {
                    // What comes first is nobody's.
                    try self.noteUnclaimed(at, segment.?);
                    at = segment.?;
                } else if (self.isPlace(entry) and entry.start.? > at) {
                    try self.noteUnclaimed(at, entry.start.?);
                    at = entry.start.?;
                } else if (next != null and self.fits(next.?, at)) {
                    try self.noteEntry(.salvaged, entry, at, 0);
                    continue;
                } else if (segment == null) {
                    try self.noteCut(entry, at);
                    at = self.data.len;
                    continue;
                }
                const end = self.segmentAt(at).?;
                break :place Place{ .start = at, .end = end - 1, .next = end };
            };
            self.places.items[index] = place;
            const length = place.end - at + 1;
            if (entry.length != length) {
                try self.noteEntry(if (isLength(entry, length)) .warning else .salvaged, entry, at, length);
            }
            if (place.end >= self.data.len or self.data[place.end] != field_terminator) try self.noteTerminator(entry, place.end);
            at = place.next;
        }
        if (at < self.data.len) try self.noteUnclaimed(at, self.data.len);
    }

    /// The field's place when it is as long as its entry says, or else the next one shows where it ends.
    fn sure(self: *const Salvage, entry: Entry, next: ?Entry, at: usize) ?Place {
        const by_length = self.byLength(entry, at);
        if (by_length) |place| {
            if (self.data[place.end] == field_terminator and self.goesOn(next, place.next)) return place;
        }
        if (self.segmentAt(at)) |end| {
            const segment: Place = .{ .start = at, .end = end - 1, .next = end };
            // A number is wrong, or bytes were added or left out.
            if (isLength(entry, end - at) or self.goesOn(next, end)) return segment;
            // A terminator was put into it.
            if (self.segmentAt(end)) |second| {
                if (self.goesOn(next, second)) return .{ .start = at, .end = second - 1, .next = second };
            }
        }
        // Another byte stands for its terminator, or none.
        var place = by_length orelse return null;
        if (self.goesOn(next, place.next)) return place;
        place.next = place.end;
        return if (self.goesOn(next, place.next)) place else null;
    }

    fn byLength(self: *const Salvage, entry: Entry, at: usize) ?Place {
        const length = entry.length orelse return null;
        const end = at + length;
        return if (length > 0 and end <= self.data.len) .{ .start = at, .end = end - 1, .next = end } else null;
    }

    /// Whether the fields go on as the directory says when one ends here.
    fn goesOn(self: *const Salvage, next: ?Entry, at: usize) bool {
        return if (next) |entry| self.fits(entry, at) else at == self.data.len;
    }

    /// The order in which the fields stand in the data: the directory's, but where that jumps about.
    fn sort(self: *Salvage) error{OutOfMemory}!void {
        const entries = self.entries.items;
        self.order.clearRetainingCapacity();
        for (0..entries.len) |index| try self.order.append(self.gpa, @intCast(index));
        var descents: usize = 0;
        var agreed: usize = 0;
        for (entries, 0..) |entry, index| {
            if (self.isPlace(entry)) agreed += 1;
            if (index > 0 and entry.start != null and entries[index - 1].start != null and entry.start.? < entries[index - 1].start.?) descents += 1;
        }
        // One damaged number makes one descent, and so does a number too large for its place.
        if (descents < 2 or agreed * 2 < entries.len) return;
        std.sort.heap(u32, self.order.items, entries, isBefore);
    }

    fn isBefore(entries: []const Entry, left: u32, right: u32) bool {
        const behind = std.math.maxInt(usize);
        const a = entries[left].start orelse behind;
        const b = entries[right].start orelse behind;
        return a < b or (a == b and left < right);
    }

    // ---- what is said about it

    fn note(self: *Salvage, code: Code, outcome: Outcome, offset: usize, found: []const u8, expected: []const u8, comptime format: []const u8, arguments: anytype) error{OutOfMemory}!void {
        if (self.problems.items.len == problems_max) {
            self.untold += 1;
            return self.problems.items[problems_max - 1].tellMore(.directory_invalid, self.untold + 1);
        }
        const problem = try self.problems.addOne(self.gpa);
        problem.* = .{};
        problem.set(code, offset, found, format, arguments) catch {};
        problem.expect(expected);
        problem.become(outcome);
    }

    fn noteField(self: *Salvage, code: Code, outcome: Outcome, offset: usize, found: []const u8, expected: []const u8, tag: ?Tag, comptime format: []const u8, arguments: anytype) error{OutOfMemory}!void {
        try self.note(code, outcome, offset, found, expected, format, arguments);
        if (tag) |known| self.tagLast(known);
    }

    fn tagLast(self: *Salvage, tag: Tag) void {
        if (self.untold == 0) self.problems.items[self.problems.items.len - 1].setTag(tag);
    }

    /// The entry has other numbers than its field.
    fn noteEntry(self: *Salvage, outcome: Outcome, entry: Entry, start: usize, length: usize) error{OutOfMemory}!void {
        const bytes = self.bytes.items[entry.at..][0..entry.width];
        // Nobody is told twice of an entry that has no numbers.
        if (entry.length == null or entry.start == null) return;
        var buffer: [40]u8 = undefined;
        const expected = std.fmt.bufPrint(&buffer, "{d:0>4}{d:0>5}", .{ length, start }) catch unreachable;
        if (length == 0) return self.noteField(.field_invalid, outcome, entry.at + 3, bytes[3..], "", entry.tag, "the record has no such field", .{});
        // Bytes that were added or left out before it move a field: that is said once, where it is.
        if (entry.length == length and outcome == .salvaged) return;
        try self.noteField(.field_invalid, outcome, entry.at + 3, bytes[3..], expected, entry.tag, "the directory gives the field {d} bytes, it has {d}", .{ entry.length.?, length });
    }

    fn noteTerminator(self: *Salvage, entry: Entry, at: usize) error{OutOfMemory}!void {
        try self.noteField(.field_invalid, .salvaged, self.base + at, self.data[at..@min(at + 1, self.data.len)], "1E", entry.tag, "the field should end here with 1E", .{});
    }

    fn noteCut(self: *Salvage, entry: Entry, at: usize) error{OutOfMemory}!void {
        const rest = self.data[@min(at, self.data.len)..];
        if (rest.len == 0) {
            return self.noteField(.field_invalid, .salvaged, entry.at, self.bytes.items[entry.at..][0..entry.width], "", entry.tag, "the record ends before this field", .{});
        }
        try self.noteField(.truncated_record, .salvaged, self.base + at, rest, "", entry.tag, "the record ends inside this field, which is left out", .{});
    }

    fn noteUnclaimed(self: *Salvage, start: usize, end: usize) error{OutOfMemory}!void {
        try self.note(.field_invalid, .salvaged, self.base + start, self.data[start..end], "", "{d} bytes belong to no field of the directory", .{end - start});
    }
};

/// A tag and nine digits.
fn isEntry(entry: *const [entry_length]u8) bool {
    return record_module.isTag(entry[0..3]) and digits(4, entry[3..7]) != null and
        digits(5, entry[7..12]) != null;
}

fn entryOf(entry: *const [entry_length]u8, at: usize) Entry {
    return .{
        .tag = entry[0..3].*,
        .length = digits(4, entry[3..7]),
        .start = digits(5, entry[7..12]),
        .at = at,
        .width = entry_length,
    };
}

fn digits(comptime count: usize, bytes: *const [count]u8) ?usize {
    return iso2709.parseDigits(count, bytes) orelse return null;
}

fn number(bytes: []const u8) ?usize {
    for (bytes) |byte| if (!std.ascii.isDigit(byte)) return null;
    return std.fmt.parseInt(usize, bytes, 10) catch null;
}

/// How much of these 24 bytes is as in a leader of MARC 21.
fn likeness(leader: *const [leader_length]u8) usize {
    var points: usize = 0;
    for (leader[0..5]) |byte| points += @intFromBool(std.ascii.isDigit(byte));
    for (leader[12..17]) |byte| points += @intFromBool(std.ascii.isDigit(byte));
    points += @intFromBool(std.ascii.isLower(leader[5])) + @as(usize, @intFromBool(std.ascii.isLower(leader[6])));
    points += @intFromBool(leader[9] == 'a' or leader[9] == ' ');
    for (leader[10..12], "22") |byte, right| points += @intFromBool(byte == right);
    for (leader[20..24], "4500") |byte, right| points += @intFromBool(byte == right);
    return points;
}

const testing = std.testing;
const head = "00110nam a2200073   4500" ++ "001000300000" ++ "008000600003" ++ "245000900009" ++ "650001800018" ++ "\x1e";
const contents = [_][]const u8{ "42", "12345", "10\x1faOdes", " 0\x1faGeology\x1fxMaps" };
const sample = head ++ contents[0] ++ "\x1e" ++ contents[1] ++ "\x1e" ++ contents[2] ++ "\x1e" ++ contents[3] ++ "\x1e\x1d";

/// How many of the sample's fields came out whole, under their own tags.
fn countSaved(salvage: *Salvage, record: *Record, damaged: []const u8) !usize {
    if (!try salvage.save(damaged, record)) return 0;
    var count: usize = 0;
    for (contents, [_]*const Tag{ "001", "008", "245", "650" }) |content, tag| for (record.fields.items) |field| {
        if (std.mem.eql(u8, &field.tag, tag) and std.mem.eql(u8, record.content(field), content)) count += 1;
    };
    return count;
}

fn expectMost(salvage: *Salvage, record: *Record, damaged: []const u8) !void {
    errdefer std.debug.print("damaged: {x}\n", .{damaged});
    try testing.expect(try countSaved(salvage, record, damaged) >= contents.len - 1);
}

test "one damaged byte costs at most the field that it stands in" {
    var record: Record = .init(testing.allocator);
    defer record.deinit();
    var salvage: Salvage = .{ .gpa = testing.allocator };
    defer salvage.deinit();
    var damaged: [sample.len + 1]u8 = undefined;
    for (0..sample.len) |at| {
        for ([_]u8{ 0, ' ', '0', '7', 'x', 0x1d, 0x1e, 0x1f, 0xff }) |byte| {
            @memcpy(damaged[0..sample.len], sample);
            damaged[at] = byte;
            try expectMost(&salvage, &record, damaged[0..sample.len]);
            @memcpy(damaged[0..at], sample[0..at]);
            damaged[at] = byte;
            @memcpy(damaged[at + 1 ..], sample[at..]);
            try expectMost(&salvage, &record, &damaged);
        }
        @memcpy(damaged[0..at], sample[0..at]);
        @memcpy(damaged[at .. sample.len - 1], sample[at + 1 ..]);
        try expectMost(&salvage, &record, damaged[0 .. sample.len - 1]);
    }
    // A record that is cut short keeps the fields before that.
    for (0..sample.len) |length| {
        const count = try countSaved(&salvage, &record, sample[0..length]);
        var end: usize = head.len;
        for (contents, 0..) |content, index| {
            end += content.len + 1;
            if (length >= end) try testing.expect(count > index);
        }
    }
}
