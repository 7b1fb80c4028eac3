//! MARC-in-JSON of a canonical record straight from its bytes: no list of fields is made, and no text
//! is searched for its end. One pass notes the places of all bytes that are not simply copied; these
//! are walked then, field by field, and what comes next is known without having to wait for a search.
//! A record with anything unusual in it is left to `json_writer.zig`, which writes the same.

const std = @import("std");
const places = @import("places.zig");
const scan = @import("scan.zig");
const record_module = @import("record.zig");

const delimiter = record_module.subfield_delimiter;
const terminator = record_module.field_terminator;
const leader_length = record_module.leader_length;
const entry_length = record_module.entry_length;

/// Bytes that are copied together: few texts are longer.
const step = places.step;
/// Delimiters, terminators, and what JSON escapes.
const special: scan.Class = .{ .below = ' ', .others = "\"\\" };

/// So many bytes behind the record have to be there.
pub const sight = step;
/// How many marks there has to be room for.
pub const marksFor = places.countFor;

/// How many bytes there has to be room for: nothing takes more than a control character, which becomes six.
pub fn roomFor(length: usize) usize {
    return 6 * length + 2 * step;
}

/// Write the canonical record that `seen` begins with. How many bytes that were, or 0 for a record
/// that is not to be written so.
pub noinline fn write(seen: []const u8, length: usize, base: usize, marks: []u32, room: []u8) usize {
    // Fewer than four fields.
    if (base <= step) return 0;
    if (!places.find(special, seen, length, base - 1, marks)) return 0;
    var line: Line = .{ .seen = seen, .marks = marks, .room = room };
    line.literal("{\"leader\":\"");
    line.copy(0, leader_length);
    line.room[line.at - leader_length + 9] = 'a';
    line.literal("\",\"fields\":[");
    // Both highest bits stay 0 when all indicators and codes are ASCII, indicators printable, too.
    var highest: u16 = 0;
    var entry_at: usize = leader_length;
    while (entry_at < base - 1) : (entry_at += entry_length) {
        const start = line.place() + 1;
        line.mark += 1;
        // The tag, and the quote behind it.
        const tag = std.mem.readInt(u32, seen[entry_at..][0..4], .little) & 0xff_ff_ff | '"' << 24;
        if (tag & 0xff_ff == '0' << 8 | '0' and seen[entry_at + 2] -% '0' <= 9) {
            std.mem.writeInt(u32, line.form("{\"000\":\"")[2..6], tag, .little);
            if (line.text(start) != terminator) return 0;
            line.literal("\"},");
            continue;
        }
        // Two indicators, and a subfield.
        if (line.place() != start + 2 or line.byte() != delimiter) return 0;
        const field = line.form(field_start);
        std.mem.writeInt(u32, field[2..6], tag, .little);
        const indicators = seen[start..][0..2];
        field[comptime std.mem.indexOfScalar(u8, field_start, '?').?] = indicators[0];
        field[comptime std.mem.lastIndexOfScalar(u8, field_start, '?').?] = indicators[1];
        const both = std.mem.readInt(u16, indicators, .little);
        highest |= both | (both +% 0x01_01);
        while (true) {
            const code_at = line.place() + 1;
            const code = seen[code_at];
            highest |= code;
            // The form ends with it, and what follows a code.
            line.room[line.at - 4] = code;
            line.mark += 1;
            if (line.place() == code_at) return 0;
            if (line.text(code_at + 1) == terminator) break;
            line.literal("\"},{\"a\":\"");
        }
        line.literal("\"}]}},");
    }
    if (highest & 0x80_80 != 0) return 0;
    line.at -= 1;
    line.literal("]}");
    return line.at;
}

const field_start = "{\"000\":{\"ind1\":\"?\",\"ind2\":\"?\",\"subfields\":[{\"a\":\"";

/// A line that is written, and how far the marks are done with. All of it is inline.
const Line = struct {
    seen: []const u8,
    marks: []const u32,
    mark: usize = 0,
    room: []u8,
    at: usize = 0,

    /// Where the mark at hand is.
    inline fn place(self: *const Line) usize {
        return self.marks[self.mark];
    }

    /// What is there.
    inline fn byte(self: *const Line) u8 {
        return self.seen[self.place()];
    }

    inline fn literal(self: *Line, comptime bytes: []const u8) void {
        _ = self.form(bytes);
    }

    /// Put a text known when compiling, some bytes of which are then replaced. It is stored as whole
    /// words: there is room behind.
    inline fn form(self: *Line, comptime bytes: []const u8) *[bytes.len]u8 {
        const words = comptime blk: {
            var words: [std.math.ceilPowerOfTwoAssert(usize, bytes.len)]u8 = @splat(0);
            words[0..bytes.len].* = bytes[0..bytes.len].*;
            break :blk words;
        };
        self.room[self.at..][0..words.len].* = words;
        defer self.at += bytes.len;
        return self.room[self.at..][0..bytes.len];
    }

    /// Put text up to a delimiter or terminator, which is the mark at hand then, and tell which.
    inline fn text(self: *Line, start: usize) u8 {
        var from = start;
        while (true) {
            const end = self.place();
            self.copy(from, end);
            const found = self.seen[end];
            if (found == delimiter or found == terminator) return found;
            self.at += escape(self.room[self.at..][0..6], found);
            from = end + 1;
            self.mark += 1;
        }
    }

    inline fn copy(self: *Line, start: usize, end: usize) void {
        self.room[self.at..][0..step].* = self.seen[start..][0..step].*;
        var done: usize = step;
        while (done < end - start) : (done += step) self.room[self.at + done ..][0..step].* = self.seen[start + done ..][0..step].*;
        self.at += end - start;
    }
};

noinline fn escape(target: *[6]u8, byte: u8) usize {
    const short: u8 = switch (byte) {
        '"', '\\' => byte,
        '\n' => 'n',
        '\r' => 'r',
        '\t' => 't',
        else => {
            target.* = "\\u00".* ++ std.fmt.hex(byte);
            return 6;
        },
    };
    target[0..2].* = .{ '\\', short };
    return 2;
}

/// A canonical record of these fields, tag and content, with so many bytes behind it.
fn record(gpa: std.mem.Allocator, fields: []const [2][]const u8, behind: usize) !std.ArrayList(u8) {
    var out: std.ArrayList(u8) = .empty;
    errdefer out.deinit(gpa);
    const base = leader_length + fields.len * entry_length + 1;
    var length = base + 1;
    for (fields) |field| length += field[1].len + 1;
    try out.print(gpa, "{d:0>5}nam a22{d:0>5} a 4500", .{ length, base });
    var start: usize = 0;
    for (fields) |field| {
        try out.print(gpa, "{s}{d:0>4}{d:0>5}", .{ field[0], field[1].len + 1, start });
        start += field[1].len + 1;
    }
    try out.append(gpa, terminator);
    for (fields) |field| try out.print(gpa, "{s}\x1e", .{field[1]});
    try out.append(gpa, record_module.record_terminator);
    try out.appendNTimes(gpa, terminator, behind);
    return out;
}

/// Whether the last of eight fields is written directly, and then as `json_writer.zig` writes it.
fn expectSame(tag: []const u8, content: []const u8) !bool {
    const usual: [2][]const u8 = .{ "500", "  \x1faNote\x1fb" };
    return expectAllSame(&.{ .{ "001", "1" }, .{ "008", "" }, usual, usual, usual, usual, usual, .{ tag, content } });
}

/// The same of all fields.
fn expectAllSame(fields: []const [2][]const u8) !bool {
    const gpa = std.testing.allocator;
    const iso2709 = @import("iso2709.zig");
    var bytes = try record(gpa, fields, sight);
    defer bytes.deinit(gpa);
    const length = bytes.items.len - sight;
    var problem: @import("problem.zig").Problem = .{};
    const frame = (try iso2709.check(bytes.items, true, &problem)).record;
    try std.testing.expect(frame.is_canonical);

    var read: record_module.Record = .init(gpa);
    defer read.deinit();
    try iso2709.read(bytes.items, frame, &read, null);
    var expected: @import("buffer.zig").Buffer = .{ .gpa = gpa };
    defer expected.deinit();
    const is_written = if (@import("json_writer.zig").write(.marc_in_json, &expected, &read, &problem)) true else |err| switch (err) {
        error.Problem => false,
        error.OutOfMemory => return error.OutOfMemory,
    };

    // Just as much room as there has to be.
    const marks = try gpa.alloc(u32, marksFor(length));
    defer gpa.free(marks);
    const room = try gpa.alloc(u8, roomFor(length));
    defer gpa.free(room);
    const written = write(bytes.items, length, frame.base_address, marks, room);
    if (written == 0) return false;
    try std.testing.expect(is_written);
    try std.testing.expectEqualStrings(expected.items(), room[0..written]);
    return true;
}

test "a record is written as step by step, or not at all" {
    // What is usual, and texts of all lengths.
    try std.testing.expect(try expectSame("245", "10\x1faOdes /\x1fcHorace."));
    try std.testing.expect(try expectSame("00A", "10\x1fa"));
    var text: [200]u8 = @splat('x');
    for (0..text.len) |length| {
        try std.testing.expect(try expectSame("009", text[0..length]));
        text[0..4].* = "1 \x1fa".*;
        if (length >= 4) try std.testing.expect(try expectSame("245", text[0..length]));
        @memset(&text, 'x');
    }
    // Few fields.
    const few: [6][2][]const u8 = @splat(.{ "245", "10\x1faOdes" });
    for (0..few.len) |count| try std.testing.expectEqual(count > 3, try expectAllSame(few[0..count]));
    // Each byte in each place: escapes are written, what may be an error is not.
    const content = "10\x1faOdes\x1fcHor";
    var changed: [content.len]u8 = undefined;
    for (0..content.len) |at| for (0..256) |number| {
        const byte: u8 = @intCast(number);
        if (byte == terminator or byte == record_module.record_terminator) continue;
        changed = content.*;
        changed[at] = byte;
        const is_written = try expectSame("245", &changed);
        if (at > 3 and at != 8 and at != 9 and byte < 0x80 and byte != delimiter) try std.testing.expect(is_written);
    };
    try std.testing.expect(try expectSame("008", "\"\\\x00\n\r\t\x7f"));
    try std.testing.expect(try expectSame("245", "10\x1fa\u{e9}\u{20ac}\u{10348}"));
    const unusual = [_][2][]const u8{
        .{ "245", "" },             .{ "245", "1" },               .{ "245", "10" },         .{ "245", "10a" },
        .{ "245", "10\x1f" },       .{ "245", "10\x1faOdes\x1f" }, .{ "008", "\x1fa" },      .{ "24\"", "10\x1faOdes" },
        .{ "\\45", "10\x1faOdes" }, .{ "245", "10\x1fa\xe9" },     .{ "245", "1\x7f\x1fa" }, .{ "245", "1\"\x1fa" },
    };
    for (unusual) |field| try std.testing.expect(!try expectSame(field[0], field[1]));
    // More escapes than anything else.
    const nulls: [9000]u8 = @splat(0);
    try std.testing.expect(try expectSame("001", &nulls));
    const delimiters: [9000]u8 = "10".* ++ blk: {
        @setEvalBranchQuota(10_000);
        var codes: [8998]u8 = undefined;
        for (&codes, 0..) |*code, index| code.* = if (index % 2 == 0) delimiter else 'a';
        break :blk codes;
    };
    try std.testing.expect(try expectSame("245", &delimiters));
}
