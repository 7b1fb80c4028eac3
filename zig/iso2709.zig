//! ISO 2709 as MARC 21 uses it (MARC 21 Specifications, "Record Structure"): a leader of 24 bytes,
//! a directory of 12-byte entries (tag, length, start), the fields' data, each ended by 1E, and 1D.
//!
//! `check` judges one record without building anything, `read` takes a checked record apart,
//! `write` puts one together, `resync` finds where to go on behind a damaged one.

const std = @import("std");
const cpu = @import("cpu.zig");
const scan = @import("scan.zig");
const record_module = @import("record.zig");
const problem_module = @import("problem.zig");
const Buffer = @import("buffer.zig").Buffer;
const Error = problem_module.Error;
const Problem = problem_module.Problem;
const Record = record_module.Record;
const Resync = record_module.Resync;
const Tag = record_module.Tag;

const leader_length = record_module.leader_length;
const field_terminator = record_module.field_terminator;
const record_terminator = record_module.record_terminator;

const entry_length = record_module.entry_length;
/// A leader, an empty directory's terminator, and the record terminator.
pub const record_length_min = leader_length + 2;
pub const record_length_max = record_module.record_length_max;
/// A field with its terminator.
pub const field_length_max = 9_999;

pub const terminators: scan.Class = .{ .others = &.{ record_terminator, field_terminator } };

/// What `check` finds out about a sound record.
pub const Frame = struct {
    length: u32,
    base_address: u32,
    /// The fields stand in the order of the directory, one behind the other, nothing else between
    /// them: cutting the data at each 1E gives them, and `write` would give these very bytes.
    is_canonical: bool,
    /// No field has a terminator inside.
    is_clean: bool,

    pub fn fieldCount(self: Frame) usize {
        return (self.base_address - leader_length - 1) / entry_length;
    }

    /// The field that an entry of the directory tells, its offsets those in the record.
    pub fn field(self: Frame, record: []const u8, index: usize) record_module.Field {
        const entry = record[leader_length + index * entry_length ..][0..entry_length];
        const start = self.base_address + parseDigits(5, entry[7..12]).?;
        return .{ .tag = entry[0..3].*, .start = start, .end = start + parseDigits(4, entry[3..7]).? - 1 };
    }
};

pub const Status = union(enum) {
    record: Frame,
    /// The record goes on behind the end of the input.
    need_more,
    /// The input is empty.
    end,
};

/// Decimal number of four or five digits, or null.
pub inline fn parseDigits(comptime count: usize, bytes: *const [count]u8) ?u32 {
    // A byte each: what is no digit leaves a high bit somewhere.
    const digits = std.mem.readInt(u32, bytes[0..4], .little) -% 0x30303030;
    var wrong = (digits | digits +% 0x76767676) & 0x80808080;
    var value = fourDigits(bytes[0..4]);
    if (count == 5) {
        const last = bytes[4] -% '0';
        wrong |= @intFromBool(last > 9);
        value = value * 10 + last;
    }
    return if (wrong == 0) value else null;
}

/// The number that four bytes are when they are digits.
inline fn fourDigits(bytes: *const [4]u8) u32 {
    const digits = std.mem.readInt(u32, bytes, .little) -% 0x30303030;
    // Pairs of digits in bytes 0 and 2, then both.
    const pairs = digits *% 10 +% (digits >> 8);
    return (pairs & 0xff) * 100 + (pairs >> 16 & 0xff);
}

/// The frame of the record at the start of `data` if that is seen at a glance to be canonical.
pub inline fn canonicalFrame(data: []const u8) ?Frame {
    const found = cpu.findCanonical(data);
    if (found.length == 0) return null;
    return .{ .length = found.length, .base_address = found.base_address, .is_canonical = true, .is_clean = true };
}

/// Judge the record at the start of `data`. `final` says that no more input will come.
pub fn check(data: []const u8, final: bool, problem: *Problem) error{Problem}!Status {
    if (canonicalFrame(data)) |frame| return .{ .record = frame };
    return checkClosely(data, final, problem);
}

/// The same, step by step, for what is wrong or out of the ordinary.
pub fn checkClosely(data: []const u8, final: bool, problem: *Problem) error{Problem}!Status {
    if (data.len < leader_length) {
        if (!final) return .need_more;
        if (data.len == 0) return .end;
        if (data.len >= 5 and parseDigits(5, data[0..5]) == null) return lengthInvalid(data, problem);
        return problem.set(.truncated_record, 0, data, "{d} bytes are left, a leader has 24", .{data.len});
    }
    const length = parseDigits(5, data[0..5]) orelse return lengthInvalid(data, problem);
    if (length < record_length_min) {
        return problem.set(.record_length_invalid, 0, data[0..5], "the record length is less than 26, the least a record can have", .{});
    }
    if (length > data.len) {
        if (!final) return .need_more;
        return problem.set(.truncated_record, 0, data[0..5], "the record should have {d} bytes, {d} are left", .{ length, data.len });
    }
    const record = data[0..length];
    if (record[length - 1] != record_terminator) {
        return problem.set(.end_of_record_not_found, length - 1, record[length - 1 ..], "the record should end here with 1D", .{});
    }
    return .{ .record = try checkBody(record, problem) };
}

fn lengthInvalid(data: []const u8, problem: *Problem) error{Problem} {
    const found = data[0..@min(data.len, 12)];
    return problem.set(.record_length_invalid, 0, found, "a record should begin with its length in five digits", .{});
}

/// Judge base address, directory and fields of a record whose length and last byte are right.
fn checkBody(record: []const u8, problem: *Problem) error{Problem}!Frame {
    const length = record.len;
    if (!isSoundLeader(record[0..leader_length])) {
        return problem.set(.leader_invalid, 0, record[0..leader_length], "the leader should be printable ASCII", .{});
    }
    const base = parseDigits(5, record[12..17]) orelse
        return problem.set(.base_address_not_found, 12, record[12..17], "the base address should be five digits", .{});
    if (base <= leader_length or base >= length) {
        return problem.set(.base_address_invalid, 12, record[12..17], "the base address should be between 25 and {d}", .{length - 1});
    }
    if (record[base - 1] != field_terminator) {
        return problem.set(.directory_invalid, base - 1, record[base - 1 .. base], "the directory should end here with 1E", .{});
    }
    const directory = record[leader_length .. base - 1];
    if (directory.len % entry_length != 0) {
        return problem.set(.directory_invalid, leader_length, "", "the directory has {d} bytes, not a multiple of 12", .{directory.len});
    }
    const data = record[base .. length - 1];
    var in_order = true;
    var expected_start: usize = 0;
    var total: usize = 0;
    var at: usize = 0;
    while (at < directory.len) : (at += entry_length) {
        const entry = directory[at..][0..entry_length];
        const field_length = parseDigits(4, entry[3..7]);
        const start = parseDigits(5, entry[7..12]);
        if (field_length == null or start == null or !isTagFast(entry[0..3].*)) {
            return entryInvalid(entry, leader_length + at, problem);
        }
        const end = @as(usize, start.?) + field_length.?;
        if (field_length.? == 0 or end > data.len or data[end - 1] != field_terminator) {
            return fieldInvalid(entry, leader_length + at, start.?, field_length.?, base, data, problem);
        }
        in_order = in_order and start.? == expected_start;
        expected_start = end;
        total += field_length.?;
    }
    // Fields that share bytes would let a small record unfold into a huge one.
    if (total > data.len) {
        return problem.set(.directory_invalid, leader_length, "", "the fields overlap: they add up to {d} bytes, the record has {d} for them", .{ total, data.len });
    }
    // One terminator for each field and none besides, or cutting at 1E would not give the fields.
    const is_canonical = in_order and expected_start == data.len and
        scan.count(terminators, data) == directory.len / entry_length;
    if (!is_canonical) if (std.mem.indexOfScalar(u8, data, record_terminator)) |inner| {
        return problem.set(.end_of_record_not_found, base + inner, data[inner .. inner + 1], "a record terminator 1D stands inside the record", .{});
    };
    const is_clean = is_canonical or isClean(directory, data);
    return .{ .length = @intCast(length), .base_address = base, .is_canonical = is_canonical, .is_clean = is_clean };
}

fn isClean(directory: []const u8, data: []const u8) bool {
    var at: usize = 0;
    while (at < directory.len) : (at += entry_length) {
        const entry = directory[at..][0..entry_length];
        const content = data[parseDigits(5, entry[7..12]).?..][0 .. parseDigits(4, entry[3..7]).? - 1];
        if (scan.indexOf(terminators, content) != content.len) return false;
    }
    return true;
}

/// Whether a checked record has fields, every data field of it begins with two indicators and goes
/// on with subfields, all of which have a code, and these are printable ASCII. A 1F in a control field is not
/// regular.
pub fn isRegular(bytes: []const u8, frame: Frame) bool {
    if (frame.fieldCount() == 0) return false;
    const body = bytes[frame.base_address..];
    if (scan.hasBefore(record_module.subfield_delimiter, .{ .below = ' ', .above = '~' }, body)) return false;
    var at: usize = leader_length;
    while (at < frame.base_address - 1) : (at += entry_length) {
        const entry = bytes[at..][0..entry_length];
        const content = body[parseDigits(5, entry[7..12]).?..][0 .. parseDigits(4, entry[3..7]).? - 1];
        if (record_module.isControlTag(entry[0..3].*)) {
            if (std.mem.indexOfScalar(u8, content, record_module.subfield_delimiter) != null) return false;
            continue;
        }
        if (content.len < 2 or !record_module.isIndicator(content[0]) or !record_module.isIndicator(content[1])) return false;
        if (content.len > 2 and content[2] != record_module.subfield_delimiter) return false;
    }
    return true;
}

inline fn isTagFast(tag: Tag) bool {
    var wrong: u8 = 0;
    inline for (tag) |byte| wrong |= @intFromBool(byte -% '!' > '~' - '!');
    return wrong == 0;
}

pub fn isSoundLeader(leader: *const [leader_length]u8) bool {
    var wrong: u8 = 0;
    inline for (leader) |byte| wrong |= @intFromBool(byte -% ' ' > '~' - ' ');
    return wrong == 0;
}

fn entryInvalid(entry: *const [entry_length]u8, offset: usize, problem: *Problem) error{Problem} {
    const number = (offset - leader_length) / entry_length + 1;
    if (!record_module.isTag(entry[0..3])) {
        return problem.set(.tag_invalid, offset, entry[0..3], "the tag in directory entry {d} should be three printable ASCII characters", .{number});
    }
    problem.set(.directory_invalid, offset + 3, entry[3..], "the length and start in directory entry {d} should be nine digits", .{number}) catch {};
    problem.setTag(entry[0..3].*);
    return error.Problem;
}

fn fieldInvalid(entry: *const [entry_length]u8, offset: usize, start: usize, length: usize, base: usize, data: []const u8, problem: *Problem) error{Problem} {
    const end = start + length;
    if (length == 0) {
        problem.set(.field_invalid, offset + 3, entry[3..7], "the directory gives the field no bytes, it needs at least its terminator", .{}) catch {};
    } else if (end > data.len) {
        problem.set(.field_invalid, offset + 3, entry[3..], "the field should end at {d}, the record's data at {d}", .{ base + end, base + data.len }) catch {};
    } else {
        problem.set(.field_invalid, base + end - 1, data[end - 1 .. end], "the field should end here with 1E", .{}) catch {};
    }
    problem.setTag(entry[0..3].*);
    return error.Problem;
}

/// Take a checked record apart, or those of its fields whose tags are among the wanted ones. They keep
/// pointing into `bytes`.
pub fn read(bytes: []const u8, frame: Frame, record: *Record, wanted: ?*const record_module.Tags) Error!void {
    record.reset();
    @memcpy(&record.leader, bytes[0..leader_length]);
    record.bytes = bytes[0..frame.length];
    record.seen = bytes;
    const count = frame.fieldCount();
    try record.fields.ensureTotalCapacity(record.gpa, count);
    if (wanted) |tags| {
        for (0..count) |index| {
            const entry = bytes[leader_length + index * entry_length ..][0..entry_length];
            if (tags.mayHave(entry[0..3].*)) record.fields.appendAssumeCapacity(frame.field(bytes, index));
        }
        return;
    }
    if (!frame.is_canonical) {
        for (0..count) |index| record.fields.appendAssumeCapacity(frame.field(bytes, index));
        return;
    }
    // Each field begins where the one before it ends.
    var start = frame.base_address;
    const entries = bytes[leader_length..][0 .. count * entry_length];
    for (record.fields.addManyAsSliceAssumeCapacity(count), 0..) |*field, index| {
        const entry = entries[index * entry_length ..][0..entry_length];
        const end = start + fourDigits(entry[3..7]);
        field.* = .{ .tag = entry[0..3].*, .start = start, .end = end - 1 };
        start = end;
    }
}

/// Terminators, and what cannot stand in text that ends with it.
const ends: scan.Class = .{ .others = &.{ record_terminator, field_terminator, 0 } };

/// Write a record in the flat form (`flat.zig`) as ISO 2709. Both have the same length: null where
/// `flat` is no such record, holds a NUL, or ISO 2709 has no room for it.
pub fn assemble(flat: []const u8, target: *[record_length_max]u8) ?usize {
    if (flat.len < record_length_min or flat.len > record_length_max) return null;
    const base = 1 + (std.mem.indexOfScalar(u8, flat, field_terminator) orelse return null);
    if (base <= leader_length or (base - 1 - leader_length) % entry_length != 0) return null;
    if (!isSoundLeader(flat[0..leader_length])) return null;
    @memcpy(target[0..flat.len], flat);
    putDigits(5, target[0..5], flat.len);
    putDigits(5, target[12..17], base);
    var entry_at: usize = leader_length;
    var at = base;
    while (entry_at < base - 1) : (entry_at += entry_length) {
        const length = 1 + scan.indexOf(ends, flat[at..]);
        if (at + length >= flat.len or flat[at + length - 1] != field_terminator) return null;
        const entry = target[entry_at..][0..entry_length];
        if (length > field_length_max or !record_module.isTag(entry[0..3])) return null;
        putDigits(4, entry[3..7], length);
        putDigits(5, entry[7..12], at - base);
        at += length;
    }
    return if (at == flat.len - 1 and flat[at] == record_terminator) flat.len else null;
}

/// How many fields `replace` changes at once.
pub const changes_max = 16;

/// Write a sound record with other contents of some fields. `changes` are these: of each the tag, what the
/// first field with it is to hold, and 1E. Null where a tag is not there or comes twice, where the record's fields
/// do not stand in the order of its directory, where a NUL is in either, or ISO 2709 has no room for it.
pub fn replace(record: []const u8, changes: []const u8, target: *[record_length_max]u8) ?usize {
    var problem: Problem = .{};
    const status = check(record, true, &problem) catch return null;
    if (status != .record or status.record.length != record.len or !status.record.is_canonical) return null;
    if (std.mem.indexOfScalar(u8, record, 0) != null) return null;
    const base = status.record.base_address;
    var pending: [changes_max][]const u8 = undefined;
    var count: usize = 0;
    var rest = changes;
    while (rest.len > 0) : (count += 1) {
        const end = scan.indexOf(ends, rest);
        if (count == changes_max or end < 3 or end == rest.len or rest[end] != field_terminator) return null;
        pending[count] = rest[0 .. end + 1];
        rest = rest[end + 1 ..];
    }
    @memcpy(target[0..base], record[0..base]);
    // Where the field at hand begins in both, and what of the record is not copied yet.
    var from: usize = base;
    var to: usize = base;
    var copied: usize = base;
    var entry_at: usize = leader_length;
    while (entry_at < base - 1) : (entry_at += entry_length) {
        const entry = target[entry_at..][0..entry_length];
        const length = parseDigits(4, entry[3..7]).?;
        const change = for (pending[0..count]) |*one| {
            if (std.mem.eql(u8, one.*[0..3], entry[0..3])) break one;
        } else null;
        if (to != from) putDigits(5, entry[7..12], to - base);
        if (change) |one| {
            const content = one.*[3..];
            const before = from - copied;
            if (content.len > field_length_max or to + content.len >= target.len) return null;
            @memcpy(target[to - before ..][0..before], record[copied..from]);
            @memcpy(target[to..][0..content.len], content);
            putDigits(4, entry[3..7], content.len);
            to += content.len;
            copied = from + length;
            count -= 1;
            one.* = pending[count];
        } else to += length;
        from += length;
        if (to >= target.len) return null;
    }
    if (count > 0) return null;
    const behind = record.len - copied;
    to += 1;
    @memcpy(target[to - behind ..][0..behind], record[copied..]);
    putDigits(5, target[0..5], to);
    return to;
}

/// Append the record. The leader's lengths are computed, the rest of it is written as it is.
pub fn write(out: *Buffer, record: *const Record, problem: *Problem) Error!void {
    if (!isSoundLeader(&record.leader)) {
        return problem.set(.leader_invalid, 0, &record.leader, "the leader should be printable ASCII", .{});
    }
    const fields = record.fields.items;
    const base = leader_length + fields.len * entry_length + 1;
    const mark = out.length();
    errdefer out.shrink(mark);

    try out.reserve(base);
    out.list.items.len += base;
    var start: usize = 0;
    for (fields, 0..) |field, index| {
        const content = record.content(field);
        if (scan.indexOf(terminators, content) != content.len) {
            problem.set(.delimiter_in_data, 0, content, "a value holds a terminator of ISO 2709, 1D or 1E", .{}) catch {};
            problem.setTag(field.tag);
            return error.Problem;
        }
        const length = content.len + 1;
        if (length > field_length_max) {
            problem.set(.field_too_long, 0, "", "a field may have 9999 bytes with its terminator in ISO 2709, this one has {d} bytes", .{length}) catch {};
            problem.setTag(field.tag);
            return error.Problem;
        }
        // A start of more than five digits means a record that is too long: told below.
        const entry = out.items()[mark + leader_length + index * entry_length ..][0..entry_length];
        entry[0..3].* = field.tag;
        putDigits(4, entry[3..7], length);
        putDigits(5, entry[7..12], @min(start, record_length_max));
        try out.append(content);
        try out.byte(field_terminator);
        start += length;
    }
    try out.byte(record_terminator);
    const total = out.length() - mark;
    if (total > record_length_max) {
        return problem.set(.record_too_long, 0, "", "a record may have 99999 bytes in ISO 2709, this one has {d} bytes", .{total});
    }
    const written = out.items()[mark..];
    written[base - 1] = field_terminator;
    @memcpy(written[0..leader_length], &record.leader);
    putDigits(5, written[0..5], total);
    putDigits(5, written[12..17], base);
}

pub inline fn putDigits(comptime count: usize, target: *[count]u8, value: usize) void {
    var rest: u32 = @intCast(value);
    comptime var at = count;
    inline while (at >= 2) {
        at -= 2;
        target[at..][0..2].* = std.fmt.digits2(@intCast(rest % 100));
        rest /= 100;
    }
    if (at == 1) target[0] = '0' + @as(u8, @intCast(rest % 10));
}

/// Bytes at the start of `data` that often stand between records and mean nothing: line ends, the
/// end-of-file mark of old systems, and byte order marks, which files put one behind the other have
/// in their midst. No record begins with any of these.
pub fn gapLength(data: []const u8) usize {
    var length: usize = 0;
    while (length < data.len and isGap(data[length])) length += 1;
    return length;
}

/// A 1D and a leader belong together with no more line ends between them than this: or a run of
/// these without an end would have to be kept in sight.
pub const gap_max = 4096;

pub fn isGap(byte: u8) bool {
    return switch (byte) {
        '\n', '\r', 0x1a, 0xef, 0xbb, 0xbf => true,
        else => false,
    };
}

/// What field 001 says, of a record that may be damaged: the first field where the directory's first
/// entry is its own. Nothing when that cannot be told.
pub fn controlNumber(data: []const u8) []const u8 {
    const record = data[0..@min(data.len, record_length_max)];
    const tag = "001";
    if (record.len < leader_length + entry_length or !std.mem.eql(u8, record[leader_length..][0..tag.len], tag)) return "";
    const begin = 1 + (std.mem.indexOfScalarPos(u8, record, leader_length, field_terminator) orelse return "");
    const end = std.mem.indexOfScalarPos(u8, record, begin, field_terminator) orelse return "";
    const number = record[begin..end];
    for (number) |byte| if (byte < ' ' or byte > '~') return "";
    return if (number.len <= problem_module.found_bytes_max) std.mem.trim(u8, number, " ") else "";
}

/// Could this be a leader, if need be a damaged one? Hardly any other 24 bytes have so much of one.
pub fn isLikelyLeader(leader: *const [leader_length]u8) bool {
    var digits: usize = 0;
    for (leader[0..5]) |byte| digits += @intFromBool(std.ascii.isDigit(byte));
    for (leader[12..17]) |byte| digits += @intFromBool(std.ascii.isDigit(byte));
    digits += 2 * @as(usize, @intFromBool(std.mem.eql(u8, leader[20..22], "45")));
    return digits >= 9;
}

/// The length of the damaged record at the start of `data` when its frame can be trusted all the
/// same: it ends with 1D where the leader says and holds no other.
pub fn soundFrame(data: []const u8) ?usize {
    if (data.len < leader_length) return null;
    const length = parseDigits(5, data[0..5]) orelse return null;
    if (length < record_length_min or length > data.len) return null;
    const terminator = std.mem.indexOfScalar(u8, data[0..length], record_terminator);
    if (terminator != length - 1) return null;
    return length;
}

/// Where the record behind the damaged one begins by that one's own length, when that record is there.
pub fn statedNext(data: []const u8) ?usize {
    if (data.len < leader_length) return null;
    const length = parseDigits(5, data[0..5]) orelse return null;
    if (length < record_length_min or length + leader_length > data.len) return null;
    return if (isStrongLeader(data[length..][0..leader_length])) length else null;
}

/// Where to go on behind a record that could not be read: at the end of its own terminator when a
/// likely leader, or nothing, follows it, or before a record that begins without such a terminator,
/// such as the one that begins at `stated`. Called again with what follows until `found`.
pub fn resync(data: []const u8, stated: ?usize, final: bool) Resync {
    // What lies behind that is not looked at: it would be again for each of many such records.
    const searched = data[0 .. stated orelse data.len];
    var at: usize = 0;
    while (std.mem.indexOfScalarPos(u8, searched, at, record_terminator)) |terminator| {
        at = terminator + 1;
        const rest = data[at + gapLength(data[at..@min(data.len, at + gap_max)]) ..];
        if (rest.len < leader_length) {
            if (final) return .{ .skip = nextIn(data[0..if (rest.len == 0) at else data.len]), .found = true };
            // The terminator stays in sight until what follows it can be judged.
            return .{ .skip = outOfSight(terminator), .found = false };
        }
        if (isLikelyLeader(rest[0..leader_length])) return .{ .skip = nextIn(data[0..at]), .found = true };
    }
    if (stated) |length| return .{ .skip = length, .found = true };
    if (final) return .{ .skip = nextIn(data), .found = true };
    return .{ .skip = outOfSight(data.len), .found = false };
}

/// Bytes that stay in sight: of a record, and the leader of the one behind it.
pub const sight_max = record_length_max + leader_length;

/// How many of so many bytes no record can begin in that ends behind them.
fn outOfSight(length: usize) usize {
    return length -| sight_max;
}

/// How many records that might begin in the midst of damage are looked at.
const tries_max = 16;

/// Where within these bytes, which end with the damaged record or with the one behind it, that one
/// begins: the damaged record may have lost its terminator, or be no more than bytes that were added.
fn nextIn(bytes: []const u8) usize {
    const end = bytes.len;
    if (end == 0 or bytes[end - 1] != record_terminator) return end;
    var problem: Problem = .{};
    var tries: usize = 0;
    var at = @max(1, end -| record_length_max);
    while (at + record_length_min <= end and tries < tries_max) : (at += 1) {
        const length: usize = parseDigits(5, bytes[at..][0..5]) orelse continue;
        if (length != end - at) continue;
        tries += 1;
        const status = check(bytes[at..], true, &problem) catch continue;
        if (status == .record) return at;
    }
    return end;
}

/// Hardly anything but a sound leader of MARC 21 or its kin looks so.
fn isStrongLeader(leader: *const [leader_length]u8) bool {
    return isSoundLeader(leader) and parseDigits(5, leader[0..5]) != null and parseDigits(5, leader[12..17]) != null and
        std.mem.eql(u8, leader[10..12], "22") and std.mem.eql(u8, leader[20..22], "45");
}

const sample = "00062nam a2200049 a 4500" ++ "001000300000" ++ "245000900003" ++ "\x1e" ++
    "42\x1e" ++ "10\x1faOdes\x1e" ++ "\x1d";

test "contents are replaced" {
    const record = "00080nam a2200061 a 4500" ++ "001000300000" ++ "245000900003" ++ "245000600012" ++ "\x1e" ++
        "42\x1e" ++ "10\x1faOdes\x1e" ++ "10\x1fax\x1e" ++ "\x1d";
    var target: [record_length_max]u8 = undefined;
    const cases = [_]struct { []const u8, []const u8 }{
        .{ "", record },
        .{ "24510\x1faOdes\x1e", record },
        .{ "24510\x1faSatires\x1e", "00083nam a2200061 a 4500" ++ "001000300000" ++ "245001200003" ++ "245000600015" ++ "\x1e" ++ "42\x1e" ++ "10\x1faSatires\x1e" ++ "10\x1fax\x1e" ++ "\x1d" },
        .{ "245\x1e0017\x1e", "00071nam a2200061 a 4500" ++ "001000200000" ++ "245000100002" ++ "245000600003" ++ "\x1e" ++ "7\x1e" ++ "\x1e" ++ "10\x1fax\x1e" ++ "\x1d" },
    };
    for (cases) |case| try std.testing.expectEqualStrings(case[1], target[0..replace(record, case[0], &target).?]);
    // What cannot be, and a record that cannot be read.
    for ([_][]const u8{ "001\x00\x1e", "100x\x1e", "245x", "24\x1e", "245x\x1d", "2451\x1e2452\x1e2453\x1e", "x" }) |changes| {
        try std.testing.expectEqual(null, replace(record, changes, &target));
    }
    for (0..record.len) |cut| try std.testing.expectEqual(null, replace(record[0..cut], "", &target));
    var with_nul = record.*;
    with_nul[std.mem.indexOf(u8, record, "Odes").?] = 0;
    try std.testing.expectEqual(null, replace(&with_nul, "0017\x1e", &target));
    try std.testing.expect(replace(record, "0017\x1e", &target) != null);
    const long = "245" ++ @as([9999]u8, @splat('x'));
    try std.testing.expectEqual(null, replace(record, long ++ "\x1e", &target));
    try std.testing.expectEqual(@as(?usize, record.len - 9 + 9999), replace(record, long[0 .. long.len - 1] ++ "\x1e", &target));
}

test "a record in the flat form gets its numbers" {
    var target: [record_length_max]u8 = undefined;
    var flat = sample.*;
    for ([_]usize{ 0, 12, 27, 31, 39, 43 }) |at| @memset(flat[at..][0..4], '?');
    try std.testing.expectEqual(sample.len, assemble(&flat, &target).?);
    try std.testing.expectEqualStrings(sample, target[0..sample.len]);
    for (0..sample.len) |length| try std.testing.expectEqual(null, assemble(flat[0..length], &target));
    try std.testing.expectEqual(null, assemble(sample ++ "\x1d", &target));
    // The text ends with a NUL where it is handed over.
    flat[57] = 0;
    try std.testing.expectEqual(null, assemble(&flat, &target));
    // Where the leader, tags and terminators stand nothing else will do.
    for ([_]usize{ 5, 24, 26, 48, 51, 60, 61 }) |at| for ("\x1d\x1e ") |byte| {
        var damaged = sample.*;
        if (damaged[at] == byte or (at == 5 and byte == ' ')) continue;
        damaged[at] = byte;
        try std.testing.expectEqual(null, assemble(&damaged, &target));
    };
}

test "a record is regular when its fields have indicators and its subfields codes" {
    var problem: Problem = .{};
    const frame = (try check(sample, true, &problem)).record;
    try std.testing.expect(isRegular(sample, frame));
    const content = comptime std.mem.indexOf(u8, sample, "10\x1faOdes").?;
    for ([_][]const u8{ "1\xe9\x1faOdes", "1\x13\x1faOdes", "10xaOdes", "10\x1f\x1fOdes", "10\x1f\xe9Odes", "10\x1faOde\x1f", "\x1f0\x1faOde", "1\x1faOdes." }) |odd| {
        var bytes = sample.*;
        @memcpy(bytes[content..][0..odd.len], odd);
        try std.testing.expect(!isRegular(&bytes, frame));
    }
}

test "a sound record is taken apart and written back as it was" {
    const gpa = std.testing.allocator;
    var problem: Problem = .{};
    var record: Record = .init(gpa);
    defer record.deinit();
    const status = try check(sample ++ "more", false, &problem);
    try std.testing.expect(status.record.is_canonical);
    try read(sample, status.record, &record, null);
    try std.testing.expectEqual(@as(usize, 2), record.fields.items.len);
    try std.testing.expectEqualStrings("10\x1faOdes", record.content(record.fields.items[1]));
    var out: Buffer = .{ .gpa = gpa };
    defer out.deinit();
    try write(&out, &record, &problem);
    try std.testing.expectEqualStrings(sample, out.items());
}

test "digits are read and nothing else" {
    var bytes: [5]u8 = undefined;
    for (0..100_000) |number| {
        putDigits(5, &bytes, number);
        try std.testing.expectEqual(@as(?u32, @intCast(number)), parseDigits(5, &bytes));
        try std.testing.expectEqual(@as(?u32, @intCast(number / 10)), parseDigits(4, bytes[0..4]));
    }
    for (0..5) |at| for (0..256) |byte| {
        bytes = "12345".*;
        bytes[at] = @intCast(byte);
        const is_digit = byte >= '0' and byte <= '9';
        try std.testing.expectEqual(is_digit, parseDigits(5, &bytes) != null);
        if (at < 4) try std.testing.expectEqual(is_digit, parseDigits(4, bytes[0..4]) != null);
    };
}

test "every single damaged byte is survived, and what check accepts can be read" {
    const gpa = std.testing.allocator;
    var problem: Problem = .{};
    var record: Record = .init(gpa);
    defer record.deinit();
    for (0..sample.len) |at| for (0..256) |value| {
        var damaged: [sample.len]u8 = sample.*;
        damaged[at] = @intCast(value);
        const status = check(&damaged, true, &problem) catch continue;
        try read(&damaged, status.record, &record, null);
        for (record.fields.items) |field| try std.testing.expect(record.content(field).len < sample.len);
    };
    for (0..sample.len) |length| {
        const status = try check(sample[0..length], false, &problem);
        try std.testing.expect(status == .need_more);
        if (length > 0) try std.testing.expectError(error.Problem, check(sample[0..length], true, &problem));
    }
}

test "resync stops before the next plausible leader" {
    const next = "00062nam a2200049 a 4500";
    try std.testing.expectEqual(Resync{ .skip = 6, .found = true }, resync("ab\x1dcd\x1d" ++ next, null, false));
    // Too little behind the terminator to judge: it stays in sight.
    try std.testing.expectEqual(Resync{ .skip = 0, .found = false }, resync("ab\x1dcd", null, false));
    try std.testing.expectEqual(Resync{ .skip = 3, .found = true }, resync("ab\x1d\r\n", null, true));
    try std.testing.expectEqual(Resync{ .skip = 0, .found = false }, resync("abcd", null, false));
    // A record in front of which bytes were added, and one whose neighbour has lost its terminator.
    try std.testing.expectEqual(Resync{ .skip = 2, .found = true }, resync("xx" ++ sample, null, true));
    const open_end = sample[0 .. sample.len - 1];
    try std.testing.expectEqual(Resync{ .skip = open_end.len, .found = true }, resync(open_end ++ sample, null, true));
    const other_end = open_end ++ "x";
    try std.testing.expectEqual(other_end.len, statedNext(other_end ++ sample[0..30]));
    try std.testing.expectEqual(Resync{ .skip = other_end.len, .found = true }, resync(other_end ++ sample[0..30], other_end.len, false));
}

test "a field that the record does not have is looked for in its directory" {
    var problem: Problem = .{};
    // The length and the start of the second entry.
    for ([_]struct { usize, []const u8 }{ .{ 39, "0000" }, .{ 39, "9999" }, .{ 43, "99999" } }) |change| {
        var damaged = sample.*;
        @memcpy(damaged[change[0]..][0..change[1].len], change[1]);
        try std.testing.expectError(error.Problem, check(&damaged, true, &problem));
        try std.testing.expectEqual(@as(u64, 39), problem.offset_in_record);
        try std.testing.expectStringStartsWith(damaged[39..], problem.found[0..problem.found_length]);
    }
}
