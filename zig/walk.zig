//! From record to record through ISO 2709, behind damage too; and where in the middle of a source
//! that can begin.
//!
//! A sound record has one 1D, its last byte. So a 1D that something like a leader follows ends
//! whatever came before it, sound or damaged: every walk from anywhere before it comes to that
//! leader. Such a place is a *boundary*. That is what lets a source be cut into ranges that are
//! walked by themselves, each from the first boundary in it to the first behind it.

const std = @import("std");
const iso2709 = @import("iso2709.zig");
const record_module = @import("record.zig");
const strict = @import("strict.zig");
const utf8 = @import("utf8.zig");
const Problem = @import("problem.zig").Problem;

const record_terminator = record_module.record_terminator;

/// What stands between two places of a walk: the first two as they are, the others added to them,
/// but for the gap, which is no record.
pub const Kind = enum(u8) {
    /// A UTF-8 record whose fields come by splitting at 1E.
    plain = 0,
    /// A record in MARC-8, or one whose fields do not stand in the directory's order.
    other = 1,
    /// No record: line ends between two, or bytes of a damaged one.
    gap = 2,
    /// Looked at closely: text that is not the UTF-8 it should be, no fields, a field without its
    /// two indicators, a subfield without a code, or any of these not in ASCII.
    irregular = 4,
    /// Leader/06 is that of the authority format.
    authority = 16,
    /// Leader/06 is one of the holdings format.
    holdings = 32,
    /// A damaged record, whole.
    damaged = 8,
};

/// The kind of a sound record. `closely` looks for what is irregular; `is_utf8` is the caller's
/// word that leader/09 need not say.
pub fn kindOf(record: []const u8, frame: iso2709.Frame, closely: bool, is_said_utf8: bool) u8 {
    const is_utf8 = record[9] == 'a' or is_said_utf8;
    var kind = @backingInt(if (frame.is_canonical and is_utf8) Kind.plain else Kind.other);
    kind |= switch (record[6]) {
        'z' => @backingInt(Kind.authority),
        'u', 'v', 'x', 'y' => @backingInt(Kind.holdings),
        else => 0,
    };
    if (closely) {
        const is_regular = iso2709.isRegular(record, frame) and
            (!is_utf8 or utf8.indexOfInvalid(record) == null);
        if (!is_regular) kind |= @backingInt(Kind.irregular);
    }
    return kind;
}

/// The frame of the record at the start of `data` when there is nothing else to look at, as with
/// most records.
pub inline fn plainFrame(data: []const u8, validation: Validation) ?iso2709.Frame {
    if (validation.level != .structural or validation.record_max < iso2709.record_length_max) return null;
    return iso2709.canonicalFrame(data);
}

/// Judge the record at the start of `data`; null when it is damaged, or has a fault that a strict
/// reader does not take.
pub fn check(data: []const u8, final: bool, validation: Validation, is_lenient: bool, problem: *Problem) ?iso2709.Status {
    const status = iso2709.check(data, final, problem) catch return null;
    if (status == .record) {
        const frame = status.record;
        if (frame.length > validation.record_max) record_module.setTooLong(problem, data, validation.record_max) catch return null;
        if (!is_lenient) validation.check(data[0..frame.length], frame, problem) catch return null;
    }
    return status;
}

/// Out of the damaged record that `data` begins with.
pub fn wayOut(data: []const u8, final: bool) record_module.Resync {
    if (iso2709.soundFrame(data)) |length| return .{ .skip = length, .found = true };
    return iso2709.resync(data, iso2709.statedNext(data), final);
}

/// How many bytes a damaged record has; null when more of it has to be seen. Of damage without an
/// end a piece is taken that is too long for a record.
pub fn damagedLength(data: []const u8, final: bool, record_max: usize) ?usize {
    const piece = record_module.sightOf(record_max);
    const seen_max = piece + iso2709.sight_max;
    const seen = data[0..@min(data.len, seen_max)];
    const sync = wayOut(seen, final and seen.len == data.len);
    if (sync.found) return sync.skip;
    return if (seen.len == seen_max) piece else null;
}

/// The kind of a sound record in lenient reading: text that is not what it should be has to be
/// decoded, fields whose parts cannot be told have to be mended, and faults have to be told.
pub fn lenientKind(record: []const u8, frame: iso2709.Frame, kind: u8, validation: Validation) u8 {
    var problem: Problem = .{};
    validation.check(record, frame, &problem) catch return @backingInt(Kind.damaged);
    const is_other = kind & @backingInt(Kind.other) != 0;
    const is_good = is_other or (iso2709.isRegular(record, frame) and utf8.indexOfInvalid(record) == null);
    return if (is_good) kind else kind | @backingInt(Kind.other);
}

/// What sound records are held to.
pub const Validation = struct {
    level: strict.Level = .structural,
    /// Text is UTF-8 whatever leader/09 says.
    is_utf8: bool = false,
    /// A record may be no longer.
    record_max: usize = record_module.record_max_default,

    /// Report the first fault of a record whose structure is sound.
    pub fn check(self: Validation, record: []const u8, frame: iso2709.Frame, problem: *Problem) error{Problem}!void {
        if (self.level == .structural) return;
        var judge: strict.Judge = .of(record, frame, self.is_utf8 or record[9] == 'a');
        return judge.next(problem);
    }
};

/// Whether a boundary comes next, behind a 1D and line ends. How many bytes of these there are.
pub const Boundary = union(enum) { yes: usize, no, need_more };

/// `rest` is what follows a 1D and so many line ends, or the source from its start.
fn boundaryIn(rest: []const u8, before: usize, final: bool) Boundary {
    const gap = iso2709.gapLength(rest[0..@min(rest.len, iso2709.gap_max - before)]);
    const record = rest[gap..];
    if (record.len < record_module.leader_length) return if (final) .no else .need_more;
    return if (iso2709.isLikelyLeader(record[0..record_module.leader_length])) .{ .yes = gap } else .no;
}

/// Where a search for a boundary stands: at one; nowhere near, and these bytes are of no use any
/// more; or there is none any more.
pub const Found = union(enum) { at: usize, need_more: usize, none };

/// The first boundary in `data` at or behind `from`. `is_start` says that `data` is the source's
/// beginning, where one is, too; else `data` should reach back to a byte that is no line end, or
/// farther than `iso2709.gap_max`.
pub fn findBoundary(data: []const u8, from: usize, is_start: bool, final: bool) Found {
    var at = from;
    while (at > 0 and iso2709.isGap(data[at - 1])) at -= 1;
    if (at == 0 and is_start) {
        // A byte order mark goes to the first record, as line ends do.
        if (from == 0) return .{ .at = 0 };
        switch (boundaryIn(data, 0, final)) {
            .yes => |gap| if (gap >= from) return .{ .at = gap },
            .no => {},
            .need_more => return .{ .need_more = 0 },
        }
    }
    // A 1D before `from` is of use when only line ends lie between.
    var search = if (at > 0) at - 1 else 0;
    while (std.mem.indexOfScalarPos(u8, data, search, record_terminator)) |terminator| {
        search = terminator + 1;
        switch (boundaryIn(data[search..], 0, final)) {
            .yes => |gap| if (search + gap >= from) return .{ .at = search + gap },
            .no => {},
            .need_more => return .{ .need_more = terminator },
        }
    }
    return if (final) .none else .{ .need_more = data.len };
}

/// One step of a walk. Lengths are those of bytes at the front of what was shown.
pub const Step = union(enum) {
    record: iso2709.Frame,
    /// Line ends.
    gap: usize,
    /// Bytes of a damaged record.
    damage: usize,
    need_more,
    /// The stream has ended, or the first boundary behind the limit is reached.
    end,
};

pub const Walk = struct {
    /// Where in the stream the data that is shown next begins.
    position: u64 = 0,
    /// The walk ends at the first boundary that is not before this.
    limit: u64 = std.math.maxInt(u64),
    /// The walk ends just there, whatever is there: somebody has walked there before.
    is_exact: bool = false,
    /// A damaged record is to be shown whole, if it is not too long for that.
    is_lenient: bool = false,
    /// What a record has to keep to.
    validation: Validation = .{},
    /// Looking for the way out of a damaged record.
    lost: enum { no, begun, on } = .no,
    /// How many line ends stand between a 1D and here; null: something else, or too many.
    behind_record: ?usize = 0,

    /// The next step, over `data`, which begins at `position`. After an error the damaged record is
    /// still in front, and the next steps lead out of it.
    pub fn next(self: *Walk, data: []const u8, final: bool, problem: *Problem) error{Problem}!Step {
        if (self.is_exact and self.position >= self.limit) return .end;
        if (self.lost != .no) return self.findNext(data, final);
        if (!self.is_exact and self.position + data.len >= self.limit) if (self.behind_record) |before| {
            switch (boundaryIn(data, before, final)) {
                // The line ends before it belong to what ends here.
                .yes => |gap| if (gap == 0 and self.position >= self.limit) return .end,
                .no => {},
                .need_more => return .need_more,
            }
        };
        if (plainFrame(data, self.validation)) |frame| {
            self.position += frame.length;
            self.behind_record = 0;
            return .{ .record = frame };
        }
        const gap = iso2709.gapLength(data);
        if (gap > 0) {
            self.position += gap;
            if (self.behind_record) |before| {
                self.behind_record = if (before + gap <= iso2709.gap_max) before + gap else null;
            }
            return .{ .gap = gap };
        }
        const status = check(data, final, self.validation, self.is_lenient, problem) orelse {
            self.lost = .begun;
            return error.Problem;
        };
        switch (status) {
            .record => |frame| {
                self.position += frame.length;
                self.behind_record = 0;
                // Terminators inside of fields have no place in a record.
                if (self.is_lenient and !frame.is_clean) return .{ .damage = frame.length };
                return .{ .record = frame };
            },
            .need_more => return .need_more,
            .end => return .end,
        }
    }

    fn findNext(self: *Walk, data: []const u8, final: bool) Step {
        self.behind_record = null;
        const sync: record_module.Resync = if (self.is_lenient)
            .{ .skip = damagedLength(data, final, self.validation.record_max) orelse return .need_more, .found = true }
        else if (self.lost == .begun) wayOut(data, final) else iso2709.resync(data, null, final);
        if (sync.found) {
            self.lost = .no;
            // A record may have begun without a terminator before it: that is no boundary.
            if (sync.skip > 0 and data[sync.skip - 1] == record_terminator) self.behind_record = 0;
        } else if (sync.skip > 0) self.lost = .on;
        self.position += sync.skip;
        return if (sync.skip > 0 or sync.found) .{ .damage = sync.skip } else .need_more;
    }
};

const one = "00062nam a2200049 a 4500" ++ "001000300000" ++ "245000900003" ++ "\x1e" ++
    "42\x1e" ++ "10\x1faOdes\x1e" ++ "\x1d";

test "a boundary is found from anywhere before it" {
    const data = one ++ "\r\n" ++ one ++ one;
    for (0..data.len + 1) |from| {
        const expected: ?usize = if (from == 0) 0 else if (from <= 64) 64 else if (from <= 126) 126 else null;
        const found = findBoundary(data, from, true, true);
        if (expected) |at| try std.testing.expectEqual(Found{ .at = at }, found) else try std.testing.expectEqual(Found.none, found);
    }
    // As long as more may come, what is too short to be judged is no answer.
    try std.testing.expectEqual(Found{ .need_more = 61 }, findBoundary(data[0..70], 1, true, false));
    try std.testing.expectEqual(Found{ .need_more = 40 }, findBoundary(data[0..40], 1, true, false));
}

test "ranges give what one walk gives, however they are cut" {
    const gpa = std.testing.allocator;
    // Damage of many kinds: lengths, terminators, junk between records, a leader that is none.
    const damaged = [_][]const u8{
        one,               "\n" ++ one,         "0x" ++ one[2..],          one ++ "junk", "00124" ++ one[5..], one[0..40], "\n\n" ++ one,
        one[0..61] ++ "x", "00050" ++ one[5..], "garbage without an end ", one,           "\x1d\x1d\n",        one,        "99999" ++ one[5..],
        one,
    };
    var data: std.ArrayList(u8) = .empty;
    defer data.deinit(gpa);
    for (0..3) |turn| for (damaged, 0..) |_, index| {
        try data.appendSlice(gpa, damaged[(index * (turn + 1)) % damaged.len]);
    };
    var whole: std.ArrayList(u64) = .empty;
    defer whole.deinit(gpa);
    try collect(gpa, data.items, 0, data.items.len + 1, &whole);
    try std.testing.expect(whole.items.len > 20);
    for (1..data.items.len) |size| {
        var parts: std.ArrayList(u64) = .empty;
        defer parts.deinit(gpa);
        var from: usize = 0;
        while (from <= data.items.len) : (from += size) try collect(gpa, data.items, from, from + size, &parts);
        try std.testing.expectEqualSlices(u64, whole.items, parts.items);
    }
}

/// Where the records and the problems of a range are, one behind the other.
fn collect(gpa: std.mem.Allocator, data: []const u8, from: usize, to: usize, out: *std.ArrayList(u64)) !void {
    const begin = switch (findBoundary(data, from, true, true)) {
        .at => |at| at,
        else => return,
    };
    var walk: Walk = .{ .position = begin, .limit = to };
    var problem: Problem = .{};
    if (begin >= to) return;
    while (true) {
        const at: usize = @intCast(walk.position);
        const step = walk.next(data[at..], true, &problem) catch {
            try out.append(gpa, at * 1000 + problem.code);
            continue;
        };
        switch (step) {
            .record => try out.append(gpa, at * 1000),
            .end => return,
            else => {},
        }
    }
}
