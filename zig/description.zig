//! What a file holds: which tags and subfields there are, in how many records, how often, how long
//! their values are, and some of these.

const std = @import("std");
const json_writer = @import("json_writer.zig");
const record_module = @import("record.zig");
const scan = @import("scan.zig");
const utf8 = @import("utf8.zig");
const Buffer = @import("buffer.zig").Buffer;
const Record = record_module.Record;
const Tag = record_module.Tag;

const examples_max = 3;
/// Characters of an example.
const example_length = 60;
/// Tags and subfields that are told apart; what more there is belongs to nothing.
const entries_max = 1 << 15;

const Entry = struct {
    tag: Tag,
    /// Nothing for the field as a whole.
    code: [4]u8,
    code_length: u8,
    /// The number of the last record with it.
    last: u64 = 0,
    records: u64 = 0,
    count: u64 = 0,
    /// In characters; the sum of all lengths.
    shortest: u64 = std.math.maxInt(u64),
    longest: u64 = 0,
    length: u64 = 0,
    examples: [examples_max][]const u8 = @splat(""),
    example_count: u8 = 0,

    fn note(self: *Entry, record: u64, value: []const u8, arena: std.mem.Allocator) error{OutOfMemory}!void {
        if (self.last != record) self.records += 1;
        self.last = record;
        self.count += 1;
        const length = utf8.count(value);
        self.shortest = @min(self.shortest, length);
        self.longest = @max(self.longest, length);
        self.length += length;
        if (self.example_count == examples_max) return;
        const shown = value[0..utf8.offsetOf(value, example_length)];
        for (self.examples[0..self.example_count]) |known| if (std.mem.eql(u8, known, shown)) return;
        self.examples[self.example_count] = try arena.dupe(u8, shown);
        self.example_count += 1;
    }
};

pub const Description = struct {
    gpa: std.mem.Allocator,
    arena: std.heap.ArenaAllocator,
    entries: std.ArrayList(Entry) = .empty,
    /// Where entries with a tag of digits and a code of ASCII are, from 1.
    usual: []u16 = &.{},
    others: std.AutoHashMapUnmanaged(u64, u16) = .empty,
    records: u64 = 0,

    const tags = 1000;
    const codes = 128;

    pub fn init(gpa: std.mem.Allocator) Description {
        return .{ .gpa = gpa, .arena = .init(gpa) };
    }

    pub fn deinit(self: *Description) void {
        self.entries.deinit(self.gpa);
        self.gpa.free(self.usual);
        self.others.deinit(self.gpa);
        self.arena.deinit();
    }

    pub fn clear(self: *Description) void {
        self.entries.clearRetainingCapacity();
        @memset(self.usual, 0);
        self.others.clearRetainingCapacity();
        _ = self.arena.reset(.retain_capacity);
        self.records = 0;
    }

    pub fn add(self: *Description, record: *const Record) error{OutOfMemory}!void {
        self.records += 1;
        if (self.usual.len == 0) {
            self.usual = try self.gpa.alloc(u16, tags * codes);
            @memset(self.usual, 0);
        }
        for (record.fields.items) |field| {
            const content = record.content(field);
            try self.note(field.tag, "", content);
            if (record_module.isControlTag(field.tag)) continue;
            var subfields: record_module.Subfields = .init(content);
            while (subfields.next()) |subfield| {
                if (subfield.code.len > 0) try self.note(field.tag, subfield.code, subfield.value);
            }
        }
    }

    fn note(self: *Description, tag: Tag, code: []const u8, value: []const u8) error{OutOfMemory}!void {
        const place = try self.placeOf(tag, code);
        if (place.* == 0) {
            if (self.entries.items.len == entries_max) return;
            var entry: Entry = .{ .tag = tag, .code = @splat(0), .code_length = @intCast(code.len) };
            @memcpy(entry.code[0..code.len], code);
            try self.entries.append(self.gpa, entry);
            place.* = @intCast(self.entries.items.len);
        }
        return self.entries.items[place.* - 1].note(self.records, value, self.arena.allocator());
    }

    fn placeOf(self: *Description, tag: Tag, code: []const u8) error{OutOfMemory}!*u16 {
        const digits: [3]u8 = .{ tag[0] -% '0', tag[1] -% '0', tag[2] -% '0' };
        const letter: u8 = if (code.len == 0) 0 else code[0];
        if (digits[0] <= 9 and digits[1] <= 9 and digits[2] <= 9 and code.len <= 1 and letter < codes) {
            const value = @as(usize, digits[0]) * 100 + @as(usize, digits[1]) * 10 + digits[2];
            return &self.usual[value * codes + letter];
        }
        var key: [8]u8 = @splat(0);
        key[0..3].* = tag;
        @memcpy(key[4..][0..code.len], code);
        const found = try self.others.getOrPut(self.gpa, @bitCast(key));
        if (!found.found_existing) found.value_ptr.* = 0;
        return found.value_ptr;
    }

    /// Append it as JSON, a line for each tag or subfield.
    pub fn write(self: *const Description, out: *Buffer) error{OutOfMemory}!void {
        for (self.entries.items) |*entry| {
            try out.append("{\"tag\":");
            try json_writer.string(out, &entry.tag);
            try out.append(",\"code\":");
            try json_writer.string(out, entry.code[0..entry.code_length]);
            try out.print(",\"records\":{d},\"count\":{d},", .{ entry.records, entry.count });
            try out.print("\"shortest\":{d},\"longest\":{d},", .{ entry.shortest, entry.longest });
            try out.print("\"length\":{d},\"examples\":[", .{entry.length});
            for (entry.examples[0..entry.example_count], 0..) |example, index| {
                if (index > 0) try out.byte(',');
                try json_writer.string(out, example);
            }
            try out.append("]}\n");
        }
    }
};

test "a file is described" {
    const gpa = std.testing.allocator;
    var description: Description = .init(gpa);
    defer description.deinit();
    var record: Record = .init(gpa);
    defer record.deinit();
    const contents = [_]struct { Tag, []const u8 }{
        .{ "001".*, "1" },
        .{ "245".*, "10\x1faOdes\x1fb\u{e9}" },
        .{ "245".*, "10\x1faOdes" },
        .{ "LOC".*, "  \x1f\u{e9}x" },
    };
    for (contents) |one| {
        try record.beginField(one[0]);
        try record.append(one[1]);
        record.endField();
    }
    record.seal();
    for (0..2) |_| {
        try description.add(&record);
        var out: Buffer = .{ .gpa = gpa };
        defer out.deinit();
        try description.write(&out);
        try std.testing.expectEqualStrings(
            \\{"tag":"001","code":"","records":1,"count":1,"shortest":1,"longest":1,"length":1,"examples":["1"]}
            \\{"tag":"245","code":"","records":1,"count":2,"shortest":8,"longest":11,"length":19,"examples":["10\u001faOdes\u001fbé","10\u001faOdes"]}
            \\{"tag":"245","code":"a","records":1,"count":2,"shortest":4,"longest":4,"length":8,"examples":["Odes"]}
            \\{"tag":"245","code":"b","records":1,"count":1,"shortest":1,"longest":1,"length":1,"examples":["é"]}
            \\{"tag":"LOC","code":"","records":1,"count":1,"shortest":5,"longest":5,"length":5,"examples":["  \u001féx"]}
            \\{"tag":"LOC","code":"é","records":1,"count":1,"shortest":1,"longest":1,"length":1,"examples":["x"]}
            \\
        , out.items());
        description.clear();
    }
}
