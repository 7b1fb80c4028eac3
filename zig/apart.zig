//! Records taken apart for a host language that makes objects of their fields: what can be done for
//! many records at once is done here, so that it need not be done for each field there.

const std = @import("std");
const iso2709 = @import("iso2709.zig");
const places_module = @import("places.zig");
const record_module = @import("record.zig");
const scan = @import("scan.zig");
const utf8 = @import("utf8.zig");

const delimiter = record_module.subfield_delimiter;
const entry_length = record_module.entry_length;
const field_terminator = record_module.field_terminator;
const leader_length = record_module.leader_length;
const record_terminator = record_module.record_terminator;
pub const Tag = record_module.Tag;

const terminators: scan.Class = .{ .others = &.{ record_terminator, field_terminator } };
const marks: scan.Class = .{ .others = &.{ record_terminator, field_terminator, delimiter } };
/// Longer records are taken apart step by step.
const direct_max = 4096;

/// Tags that have a number: the control fields' 000 to 009 have 0 to 9, others those from `first` on,
/// as they come. So a number is never a terminator.
pub const Tags = struct {
    pub const first = ' ';
    pub const max = 256;
    const none = 0;

    /// Each with 1E behind it.
    names: *[max][4]u8,
    end: usize = first,
    /// Numbers of tags that are digits, which nearly all are.
    by_value: [1000]u8 = @splat(none),

    pub fn init(names: *[max][4]u8) Tags {
        var self: Tags = .{ .names = names };
        for (names[0..10], 0..) |*name, digit| {
            name.* = .{ '0', '0', '0' + @as(u8, @intCast(digit)), field_terminator };
            self.by_value[digit] = @intCast(digit);
        }
        @memset(names[10..first], "   \x1e".*);
        return self;
    }

    /// The tag's number; null when there are too many.
    fn numberOf(self: *Tags, tag: Tag) ?u8 {
        const digits = valueOf(tag);
        if (digits) |value| {
            const known = self.by_value[value];
            if (known != none or value < 10) return known;
        } else {
            for (self.names[first..self.end], first..) |name, number| if (std.mem.eql(u8, name[0..3], &tag)) return @intCast(number);
        }
        if (self.end == max) return null;
        const number: u8 = @intCast(self.end);
        self.end += 1;
        self.names[number] = tag ++ [1]u8{field_terminator};
        if (digits) |value| self.by_value[value] = number;
        return number;
    }

    fn valueOf(tag: Tag) ?usize {
        const digits: [3]u8 = .{ tag[0] -% '0', tag[1] -% '0', tag[2] -% '0' };
        if (digits[0] > 9 or digits[1] > 9 or digits[2] > 9) return null;
        return @as(usize, digits[0]) * 100 + @as(usize, digits[1]) * 10 + digits[2];
    }
};

/// Where the next 1E stands; null when a 1D or the end comes before it.
fn terminatorFrom(bytes: []const u8, at: usize) ?usize {
    const end = at + scan.indexOf(terminators, bytes[at..]);
    return if (end < bytes.len and bytes[end] == field_terminator) end else null;
}

/// Where the directory of the record at `start` ends; null where there is none.
fn headEnd(bytes: []const u8, start: usize) ?usize {
    const end = terminatorFrom(bytes, start) orelse return null;
    return if (end < start + leader_length or (end - start - leader_length) % entry_length != 0) null else end;
}

/// A record in the flat form, at the front of some bytes: a field's tag and content at a time.
const Walk = struct {
    bytes: []const u8,
    entry: usize,
    head_end: usize,
    at: usize,

    fn begin(bytes: []const u8, start: usize) ?Walk {
        const head_end = headEnd(bytes, start) orelse return null;
        return .{ .bytes = bytes, .entry = start + leader_length, .head_end = head_end, .at = head_end + 1 };
    }

    fn hasMore(self: *const Walk) bool {
        return self.entry < self.head_end;
    }

    fn tag(self: *const Walk) Tag {
        return self.bytes[self.entry..][0..3].*;
    }

    /// Go on to the next field. Null when this one has no end.
    fn content(self: *Walk) ?[]const u8 {
        const end = terminatorFrom(self.bytes, self.at) orelse return null;
        defer self.at = end + 1;
        self.entry += entry_length;
        return self.bytes[self.at..end];
    }
};

/// Take the records of `flat` apart, which are in the flat form, as sound ISO 2709 records in UTF-8
/// are. For each goes to `target`: the numbers of all fields' tags; of each field its value; 1E behind
/// each of these; 1D. The value is what people read: the data of a control field, or the stripped values
/// of the subfields with blanks between them. Of a record that is not UTF-8 there is nothing but the 1D, nor
/// is there of one with a value of fewer than two characters.
/// `target` has room for the length of `flat`, `ends` for as many numbers as there are records: where
/// what was written of each ends, before its 1D. Gives the length of it all; null where `flat` has
/// another form, or there are too many records or tags.
pub fn take(flat: []const u8, tags: *Tags, target: []u8, ends: []u32) ?usize {
    var out: Output = .{ .target = target };
    var at: usize = 0;
    var records: usize = 0;
    while (at < flat.len) : (records += 1) {
        if (records == ends.len) return null;
        const start, const mark = .{ at, out.length };
        const head_end = headEnd(flat, start) orelse return null;
        var entry = start + leader_length;
        while (entry < head_end) : (entry += entry_length) out.byte(tags.numberOf(flat[entry..][0..3].*) orelse return null);
        const count = out.length - mark;
        out.byte(field_terminator);
        if (out.takeValues(flat[start..], head_end - start, target[mark..][0..count])) |length| {
            at += length + 1;
            ends[records] = @intCast(out.length);
            out.byte(record_terminator);
            continue;
        }
        at = head_end + 1;
        var are_long = true;
        for (0..count) |index| {
            const begin = out.length;
            at += if (target[mark + index] < 10) out.copyUntil(terminators, flat[at..]) else out.takeValue(flat[at..]);
            if (at >= flat.len or flat[at] != field_terminator) return null;
            at += 1;
            if (out.length - begin < 3 and !isLong(target[begin..out.length])) are_long = false;
            out.byte(field_terminator);
        }
        if (at >= flat.len or flat[at] != record_terminator) return null;
        at += 1;
        if (!are_long or utf8.indexOfInvalid(flat[start..at]) != null) out.length = mark;
        ends[records] = @intCast(out.length);
        out.byte(record_terminator);
    }
    return out.length;
}

/// Whether a short value has two characters.
noinline fn isLong(value: []const u8) bool {
    @branchHint(.cold);
    return value.len == 2 and value[0] < 0x80;
}

/// The subfields of a field that are asked for: none of a control field, whose data is the answer.
pub const Query = struct { tag: Tag, codes: []const u8 };
pub const queries_max = 16;

/// Queries as they are written, a tag and codes each, with blanks between them. Null where that is
/// not so, where a code comes twice, or there are too many.
pub fn parse(text: []const u8, queries: *[queries_max]Query) ?[]const Query {
    var count: usize = 0;
    var words = std.mem.splitScalar(u8, text, ' ');
    while (words.next()) |word| {
        if (word.len == 0) continue;
        if (word.len < 3 or count == queries_max) return null;
        // No subfield is written twice, or there might be no room.
        for (word[3..], 3..) |code, index| if (std.mem.indexOfScalarPos(u8, word, index + 1, code) != null) return null;
        queries[count] = .{ .tag = word[0..3].*, .codes = word[3..] };
        count += 1;
    }
    return queries[0..count];
}

/// What the first field with its tag answers to each query: the first subfield with the first code,
/// and behind it, unless it is empty, those of the other codes that are not, with blanks between. To
/// `target` go for each record of `flat` the answers with 1E between them, a lone 1F for none, and
/// 1D. `target` has room for all of `flat`, for each query. Records that `are_sound` are in ISO 2709: their
/// directories are believed.
pub fn ask(flat: []const u8, are_sound: bool, queries: []const Query, target: []u8) ?usize {
    var out: Output = .{ .target = target };
    var at: usize = 0;
    while (at < flat.len) {
        var found: [queries_max]?[]const u8 = undefined;
        const contents = found[0..queries.len];
        at += (if (are_sound) lookUp(flat[at..], queries, contents) else search(flat[at..], queries, contents)) orelse return null;
        for (queries, contents, 0..) |query, content, index| {
            if (index > 0) out.byte(field_terminator);
            out.answer(query, content);
        }
        out.byte(record_terminator);
    }
    return out.length;
}

/// Find what the first field with each query's tag holds in the record that `bytes` begin with; its length.
fn search(bytes: []const u8, queries: []const Query, contents: []?[]const u8) ?usize {
    @memset(contents, null);
    var missing = queries.len;
    var walk = Walk.begin(bytes, 0) orelse return null;
    while (missing > 0 and walk.hasMore()) {
        const tag = walk.tag();
        const content = walk.content() orelse return null;
        for (queries, contents) |query, *found| if (found.* == null and std.mem.eql(u8, &query.tag, &tag)) {
            found.* = content;
            missing -= 1;
        };
    }
    return 1 + (std.mem.indexOfScalarPos(u8, bytes, walk.at, record_terminator) orelse return null);
}

/// The same of a sound ISO 2709 record, where its directory says that it is.
fn lookUp(bytes: []const u8, queries: []const Query, contents: []?[]const u8) ?usize {
    if (bytes.len < leader_length) return null;
    const length = iso2709.parseDigits(5, bytes[0..5]) orelse return null;
    const base = iso2709.parseDigits(5, bytes[12..17]) orelse return null;
    if (base <= leader_length or base >= length or length > bytes.len) return null;
    for (queries, contents) |query, *content| {
        content.* = null;
        var at: usize = leader_length;
        while (at + entry_length < base) : (at += entry_length) {
            const entry = bytes[at..][0..entry_length];
            if (!std.mem.eql(u8, entry[0..3], &query.tag)) continue;
            const size = iso2709.parseDigits(4, entry[3..7]) orelse return null;
            const start = base + (iso2709.parseDigits(5, entry[7..12]) orelse return null);
            if (size == 0 or start + size >= length) return null;
            content.* = bytes[start..][0 .. size - 1];
            break;
        }
    }
    return length;
}

/// What the records of `flat` are made of, but for their text. For each go to `target`: of each field
/// the tag; the indicators, unless it is a control field; where it has subfields 1F, and unless it is a
/// control field the code of each, 1F for one without a code; 1E. 1D behind these. `target` has room for the
/// length of `flat`. Gives the length of it all; null where `flat` has another form.
pub fn shapes(flat: []const u8, target: []u8) ?usize {
    var out: Output = .{ .target = target };
    var at: usize = 0;
    while (at < flat.len) {
        const head_end = headEnd(flat, at) orelse return null;
        var entry = at + leader_length;
        at = head_end + 1;
        while (entry < head_end) : (entry += entry_length) {
            const tag: Tag = flat[entry..][0..3].*;
            out.append(&tag);
            at += if (record_module.isControlTag(tag)) out.controlShape(flat[at..]) else out.dataShape(flat[at..]);
            if (at >= flat.len or flat[at] != field_terminator) return null;
            at += 1;
            out.byte(field_terminator);
        }
        if (at >= flat.len or flat[at] != record_terminator) return null;
        at += 1;
        out.byte(record_terminator);
    }
    return out.length;
}

/// No value is longer than its content: each subfield loses two bytes and gains a blank. An entry of
/// the directory has more bytes than what is written for it beside the value. So what was written of some
/// bytes is never longer than these are.
const Output = struct {
    target: []u8,
    length: usize = 0,

    inline fn append(self: *Output, bytes: []const u8) void {
        @memcpy(self.target[self.length..][0..bytes.len], bytes);
        self.length += bytes.len;
    }

    inline fn byte(self: *Output, value: u8) void {
        self.target[self.length] = value;
        self.length += 1;
    }

    /// Copy up to a byte of `class`; how many that were.
    inline fn copyUntil(self: *Output, comptime class: scan.Class, bytes: []const u8) usize {
        const count = scan.copyUntil(class, self.target[self.length..], bytes);
        self.length += count;
        return count;
    }

    /// Append the values of all fields of the record that `bytes` begin with, each with 1E behind it, and give
    /// the record's length without its 1D. Null, with nothing done, where anything is unusual.
    fn takeValues(self: *Output, bytes: []const u8, head_length: usize, numbers: []const u8) ?usize {
        const length = std.mem.indexOfScalarPos(u8, bytes, head_length, record_terminator) orelse return null;
        if (head_length < places_module.step or length > direct_max or length + places_module.step >= bytes.len) return null;
        if (utf8.indexOfInvalid(bytes[0..head_length]) != null) return null;
        var places: [places_module.countFor(direct_max + 1)]u32 = undefined;
        if (!places_module.find(marks, bytes, length + 1, head_length, &places)) return null;
        const mark = self.length;
        if (self.takeMarked(bytes, &places, numbers) == length) return length;
        self.length = mark;
        return null;
    }

    /// The same for values between marks whose places are known, that of the directory's end first; where the
    /// last field ends.
    inline fn takeMarked(self: *Output, bytes: []const u8, places: []const u32, numbers: []const u8) usize {
        var next: usize = 1;
        var at: usize = places[0] + 1;
        for (numbers) |number| {
            const begin = self.length;
            var end: usize = places[next];
            next += 1;
            if (number < Tags.first) {
                self.appendInSight(bytes, at, end);
            } else while (bytes[end] == delimiter) {
                const mark = self.length;
                at = end + 2;
                end = places[next];
                next += 1;
                if (end < at or bytes[at - 1] >= 0x80) return 0;
                self.appendInSight(bytes, at, end);
                if (end == at or !isInk(bytes[at]) or !isInk(bytes[end - 1])) self.stripFrom(mark);
                if (bytes[end] == delimiter) self.byte(' ');
            }
            if (bytes[end] != field_terminator) return 0;
            if (self.length - begin < 3 and !isLong(self.target[begin..self.length])) return 0;
            self.byte(field_terminator);
            at = end + 1;
        }
        return at;
    }

    /// Append a part of `bytes`, behind which there are so many more as are copied together.
    inline fn appendInSight(self: *Output, bytes: []const u8, start: usize, end: usize) void {
        const step = 32;
        self.target[self.length..][0..step].* = bytes[start..][0..step].*;
        var done: usize = step;
        while (done < end - start) : (done += step) self.target[self.length + done ..][0..step].* = bytes[start + done ..][0..step].*;
        self.length += end - start;
    }

    /// Append the value of the field whose content `bytes` begins with; the content's length.
    fn takeValue(self: *Output, bytes: []const u8) usize {
        var at = scan.indexOf(marks, bytes);
        var is_first = true;
        while (at < bytes.len and bytes[at] == delimiter) {
            at += 1;
            if (at == bytes.len or bytes[at] == delimiter or isTerminator(bytes[at])) continue;
            at = @min(bytes.len, at + record_module.codeLength(bytes[at..]));
            if (!is_first) self.byte(' ');
            is_first = false;
            const mark = self.length;
            at += self.copyUntil(marks, bytes[at..]);
            self.stripFrom(mark);
        }
        return at;
    }

    /// Strip what was written since the length was `mark`.
    inline fn stripFrom(self: *Output, mark: usize) void {
        const value = self.target[mark..self.length];
        // Nearly all values begin and end with a letter, a digit or a sign.
        if (value.len == 0 or (isInk(value[0]) and isInk(value[value.len - 1]))) return;
        const stripped = strip(value);
        std.mem.copyForwards(u8, value[0..stripped.len], stripped);
        self.length = mark + stripped.len;
    }

    /// Append what `shapes` has of the control field whose content `bytes` begins with; the content's length.
    fn controlShape(self: *Output, bytes: []const u8) usize {
        const at = scan.indexOf(marks, bytes);
        if (at == bytes.len or bytes[at] != delimiter) return at;
        self.byte(delimiter);
        return at + scan.indexOf(terminators, bytes[at..]);
    }

    /// The same of a field with subfields.
    fn dataShape(self: *Output, bytes: []const u8) usize {
        var at = self.copyUntil(marks, bytes);
        if (at < bytes.len and bytes[at] == delimiter) self.byte(delimiter);
        while (at < bytes.len and bytes[at] == delimiter) {
            at += 1;
            if (at == bytes.len or bytes[at] == delimiter or isTerminator(bytes[at])) {
                self.byte(delimiter);
                continue;
            }
            const subfield = bytes[at..][0..scan.indexOf(marks, bytes[at..])];
            self.append(subfield[0..record_module.codeLength(subfield)]);
            at += subfield.len;
        }
        return at;
    }

    fn answer(self: *Output, query: Query, found: ?[]const u8) void {
        const content = found orelse return self.byte(delimiter);
        if (query.codes.len == 0) return self.append(content);
        const first = subfieldOf(content, query.codes[0]) orelse return self.byte(delimiter);
        self.append(first);
        if (first.len == 0) return;
        for (query.codes[1..]) |code| if (subfieldOf(content, code)) |value| if (value.len > 0) {
            self.byte(' ');
            self.append(value);
        };
    }
};

fn subfieldOf(content: []const u8, code: u8) ?[]const u8 {
    var subfields: record_module.Subfields = .init(content);
    while (subfields.next()) |subfield| if (subfield.code.len == 1 and subfield.code[0] == code) return subfield.value;
    return null;
}

fn isTerminator(byte: u8) bool {
    return byte == field_terminator or byte == record_terminator;
}

inline fn isInk(byte: u8) bool {
    return byte -% '!' <= '~' - '!';
}

/// What is left without the white space at both ends, as Unicode has it, with 1C to 1F.
pub fn strip(value: []const u8) []const u8 {
    var text = value;
    while (text.len > 0) {
        const count = spaceLength(text);
        if (count == 0) break;
        text = text[count..];
    }
    while (text.len > 0) {
        if (text[text.len - 1] > ' ' and text[text.len - 1] < 0x80) break;
        const count: usize = for ([_]usize{ 1, 2, 3 }) |count| {
            if (count <= text.len and spaceLength(text[text.len - count ..]) == count) break count;
        } else break;
        text = text[0 .. text.len - count];
    }
    return text;
}

/// The length of the white space character that `text` begins with, or 0.
fn spaceLength(text: []const u8) usize {
    switch (text[0]) {
        ' ', '\t'...'\r', 0x1c...0x1f => return 1,
        0xc2 => return if (text.len > 1 and (text[1] == 0x85 or text[1] == 0xa0)) 2 else 0,
        0xe1...0xe3 => {},
        else => return 0,
    }
    if (text.len < 3) return 0;
    return switch (std.mem.readInt(u24, text[0..3], .big)) {
        0xe19a80, 0xe28080...0xe2808a, 0xe280a8, 0xe280a9, 0xe280af, 0xe2819f, 0xe38080 => 3,
        else => 0,
    };
}

test "values are stripped and joined" {
    const cases = [_]struct { []const u8, []const u8 }{
        .{ "10\x1fa Odes / \x1fcHorace.", "Odes / Horace." },
        .{ "10", "" },
        .{ "", "" },
        .{ "  \x1fa\x1fb", " " },
        .{ "\x1fa\u{2003}x\u{3000}\u{a0}", "x" },
        .{ "  \x1f\x1fa\u{85}\u{205f}", "" },
        .{ "  \x1f\u{e9}a\u{e0}", "a\u{e0}" },
        .{ "  \x1fa\u{200b}b\u{200b}", "\u{200b}b\u{200b}" },
    };
    for (cases) |case| {
        var target: [100]u8 = undefined;
        var bytes: [100]u8 = undefined;
        // The value ends with its field, whatever comes behind that, and also with the bytes.
        for ([_][]const u8{ "\x1e", "\x1d", "\x1e  \x1faOdes, and more of them than fit in here", "" }) |behind| {
            var out: Output = .{ .target = &target };
            const shown = std.fmt.bufPrint(&bytes, "{s}{s}", .{ case[0], behind }) catch unreachable;
            try std.testing.expectEqual(case[0].len, out.takeValue(shown));
            try std.testing.expectEqualStrings(case[1], target[0..out.length]);
        }
    }
}

const sample_leader = "00000nam a2200000   4500";
const sample = sample_leader ++ "245000000000" ++ "001000000000" ++ "LOC000000000" ++ "245000000000" ++
    "\x1e10\x1faOdes\x1fb\x1fcHorace\x1fax\x1e42\x1e  \x1faxy\x1e  \x1faSatires\x1e\x1d" ++ sample_leader ++ "\x1e\x1d";

test "fields come with their tags' numbers and their values" {
    var target: [sample.len]u8 = undefined;
    var names: [Tags.max][4]u8 = undefined;
    var tags: Tags = .init(&names);
    var ends: [2]u32 = undefined;
    const length = take(sample, &tags, &target, &ends).?;
    try std.testing.expectEqualSlices(u32, &.{ @intCast(length - 3), @intCast(length - 1) }, &ends);
    try std.testing.expectEqualStrings(" \x01! \x1eOdes  Horace x\x1e42\x1exy\x1eSatires\x1e\x1d\x1e\x1d", target[0..length]);
    try std.testing.expectEqualStrings("LOC\x1e", &names['!']);
    try std.testing.expectEqual(null, take(sample, &tags, &target, ends[0..1]));
    for ([_]struct { []const u8, bool }{ .{ "", true }, .{ "1", true }, .{ "\u{e9}", true }, .{ "10", false }, .{ "\u{65e5}", false } }) |case| {
        var bytes: [100]u8 = undefined;
        const record = try std.fmt.bufPrint(&bytes, "{s}001000000000\x1e{s}\x1e\x1d", .{ sample_leader, case[0] });
        try std.testing.expectEqual(case[1], take(record, &tags, &target, &ends).? == 1);
    }
    // Whatever stands there, nothing is written beyond the end.
    for (0..sample.len) |cut| {
        tags = .init(&names);
        _ = take(sample[0..cut], &tags, target[0..cut], &ends);
        tags = .init(&names);
        _ = take(sample[cut..], &tags, target[0 .. sample.len - cut], &ends);
    }
}

test "values are the same from marks and step by step" {
    const start = sample_leader ++ "001000000000" ++ "245000000000" ++ "500000000000";
    const contents_start = "000000000\x1e12345\x1e10\x1faOdes\x1fcHorace\x1e";
    const contents = [_][]const u8{ "  \x1fa Notes \x1f", "\x1fa\u{e9}t\u{e9}\x1fb\x1fcx", "10\x1faA text of more than 32 bytes, \x1fbtwice: behind that is another one of so many bytes" };
    var bytes: [2 * (start.len + 300)]u8 = undefined;
    var names: [Tags.max][4]u8 = undefined;
    var targets: [2][bytes.len]u8 = undefined;
    var ends: [3]u32 = undefined;
    for ([_]*const Tag{ "650", "008", "65\xe9" }) |tag| for (contents) |content| for (0..content.len) |at| for (0..256) |value| {
        var changed: [100]u8 = undefined;
        @memcpy(changed[0..content.len], content);
        changed[at] = @intCast(value);
        const record = try std.fmt.bufPrint(&bytes, "{s}{s}{s}{s}\x1e{s}\x1e\x1d", .{ start, tag, contents_start, content, changed[0..content.len] });
        var tags: Tags = .init(&names);
        // Nothing is in sight behind a last record.
        const alone = take(record, &tags, &targets[0], &ends);
        tags = .init(&names);
        @memcpy(bytes[record.len..][0..record.len], record);
        const twice = take(bytes[0 .. 2 * record.len], &tags, &targets[1], &ends);
        if (alone) |length| {
            try std.testing.expectEqual(2 * length, twice);
            try std.testing.expectEqualStrings(targets[0][0..length], targets[1][0..length]);
            try std.testing.expectEqualStrings(targets[0][0..length], targets[1][length .. 2 * length]);
        } else try std.testing.expectEqual(null, twice);
    };
    // A delimiter ends no control field.
    const record = sample_leader ++ "001000000000" ++ "008000000000" ++ "245000000000" ++ "500000000000" ++
        "\x1e123\x1f45\x1e10\x1faOdes\x1e  \x1faNote\x1e\x1d";
    var tags: Tags = .init(&names);
    try std.testing.expectEqual(null, take(record ++ sample, &tags, &targets[0], &ends));
}

test "the first field with its tag answers a query" {
    var target: [3 * sample.len]u8 = undefined;
    var queries: [queries_max]Query = undefined;
    const asked = parse("245ab 245cbx 001 LOCb ", &queries).?;
    const length = ask(sample, false, asked, &target).?;
    try std.testing.expectEqualStrings("Odes\x1eHorace\x1e42\x1e\x1f\x1d\x1f\x1e\x1f\x1e\x1f\x1e\x1f\x1d", target[0..length]);
    try std.testing.expectEqual(null, parse("24", &queries));
    try std.testing.expectEqual(null, parse("245aba", &queries));
    try std.testing.expectEqual(null, parse("001 002 003 004 005 006 007 008 009 010 011 012 013 014 015 016 017", &queries));
}

test "a sound record answers the same by its directory" {
    const sound = "00068nam a2200049   4500" ++ "001000400000" ++ "245001400004" ++ "\x1e042\x1e10\x1faOdes\x1fcHo.\x1e\x1d";
    var targets: [2][6 * sound.len]u8 = undefined;
    var queries: [queries_max]Query = undefined;
    const asked = parse("245ca 001 300a", &queries).?;
    const length = ask(sound ++ sound, true, asked, &targets[0]).?;
    try std.testing.expectEqualStrings("Ho. Odes\x1e042\x1e\x1f\x1dHo. Odes\x1e042\x1e\x1f\x1d", targets[0][0..length]);
    try std.testing.expectEqual(length, ask(sound ++ sound, false, asked, &targets[1]));
    try std.testing.expectEqualStrings(targets[0][0..length], targets[1][0..length]);
    // What is not sound after all does no harm.
    for (0..sound.len) |at| {
        if (at > 0) try std.testing.expectEqual(null, ask(sound[0..at], true, asked, targets[0][0 .. 3 * at]));
        for (0..256) |value| {
            var changed: [2 * sound.len]u8 = (sound ++ sound).*;
            changed[at] = @intCast(value);
            _ = ask(&changed, true, asked, &targets[0]);
            _ = ask(changed[0..sound.len], true, asked, targets[0][0 .. 3 * sound.len]);
        }
    }
}

test "records have shapes" {
    var target: [sample.len]u8 = undefined;
    const length = shapes(sample, &target).?;
    try std.testing.expectEqualStrings("24510\x1fabca\x1e001\x1eLOC  \x1fa\x1e245  \x1fa\x1e\x1d\x1d", target[0..length]);
    const cases = [_]struct { []const u8, []const u8, []const u8 }{
        .{ "008", "", "008" },
        .{ "008", "a\x1f\x1fb", "008\x1f" },
        .{ "245", "", "245" },
        .{ "245", "1", "2451" },
        .{ "245", "10\x1f", "24510\x1f\x1f" },
        .{ "245", "\x1f\x1fa\x1f", "245\x1f\x1fa\x1f" },
        .{ "245", "10\x1f\u{e9}\u{e8}\x1fb\u{e8}", "24510\x1f\u{e9}b" },
        .{ "245", "10\x1f\xe3\x1f\xc3", "24510\x1f\xe3\xc3" },
    };
    for (cases) |case| {
        var bytes: [100]u8 = undefined;
        const record = try std.fmt.bufPrint(&bytes, "{s}{s}000000000\x1e{s}\x1e\x1d", .{ sample_leader, case[0], case[1] });
        const shape = target[0..shapes(record, target[0..record.len]).?];
        try std.testing.expectEqualStrings(case[2], shape[0 .. shape.len - 2]);
    }
    for (1..sample.len) |cut| {
        const is_whole = cut == sample.len - sample_leader.len - 2;
        try std.testing.expectEqual(is_whole, shapes(sample[0..cut], target[0..cut]) != null);
        _ = shapes(sample[cut..], target[0 .. sample.len - cut]);
    }
}
