//! What the text formats with a field a line have in common, MRK and Aleph sequential: how lines become a
//! record, and what becomes of lines that cannot be read.

const std = @import("std");
const record_module = @import("record.zig");
const problem_module = @import("problem.zig");
const salvage = @import("salvage.zig");
const scan = @import("scan.zig");
const utf8 = @import("utf8.zig");
const Buffer = @import("buffer.zig").Buffer;
const Error = problem_module.Error;
const Problem = problem_module.Problem;
const Record = record_module.Record;
const Step = record_module.Step;

/// Stands for a leader that cannot be read: it says nothing but what is the same in every record.
const unknown_leader = "00000    a2200000   4500";

/// Reads records from text that is given in pieces. The format, `mrk.zig` or `seq.zig`, knows where a
/// record ends (`recordEnd`), what a line says (`readLine`), and what is left to do then (`endRecord`).
pub const Reader = struct {
    gpa: std.mem.Allocator,
    problem: *Problem,
    /// Where lines that cannot be read are put down, so that the rest of their record is read all the same.
    /// Null: they cost the record.
    damages: ?*std.ArrayList(Problem) = null,
    /// Number of the line that the input begins with, from 1.
    number: u64 = 1,

    // Of the record at hand: its text, the number of the first line behind it, and whether it has a leader.
    text: []const u8 = "",
    next_number: u64 = 0,
    has_leader: bool = false,
    /// Lines that cannot be read beyond `salvage.problems_max`, and what the format calls them.
    untold: usize = 0,
    syntax: problem_module.Code = .none,
    /// The line before is the last field, which may go on in a line that is none.
    may_go_on: bool = false,
    /// A line that is no UTF-8, put right, and where it begins: offsets in it are none in the text.
    mended: Buffer,
    mended_at: ?usize = null,

    pub fn deinit(self: *Reader) void {
        self.mended.deinit();
    }

    /// Read the record at the start of `data`, or leave out white space before it.
    pub fn next(self: *Reader, comptime format: type, data: []const u8, final: bool, record: *Record) Error!Step {
        const blank = blankLength(data);
        if (blank > 0) return .{ .skip = blank };
        if (data.len == 0) return if (final) .end else .need_more;
        const length = format.recordEnd(data, final) orelse return .need_more;
        try self.read(format, data[0..length], record);
        return .{ .record = length };
    }

    /// These bytes are done with.
    pub fn skip(self: *Reader, bytes: []const u8) void {
        self.number += scan.count(.{ .others = "\n" }, bytes);
    }

    /// The record that was read is done with.
    pub fn endRecord(self: *Reader) void {
        self.number = self.next_number;
    }

    fn read(self: *Reader, comptime format: type, text: []const u8, record: *Record) Error!void {
        record.reset();
        self.text = text;
        self.has_leader = false;
        self.untold = 0;
        self.syntax = format.syntax;
        self.may_go_on = false;
        self.mended_at = null;
        const is_valid = utf8.indexOfInvalid(text) == null;
        var number = self.number;
        var at: usize = 0;
        while (at < text.len) : (number += 1) {
            const end = std.mem.indexOfScalarPos(u8, text, at, '\n') orelse text.len;
            var line = text[at..end];
            if (line.len > 0 and line[line.len - 1] == '\r') line = line[0 .. line.len - 1];
            if (line.len > 0) {
                if (!is_valid) line = try self.validLine(line, at);
                try self.readLine(format, line, at, record);
            }
            at = end + 1;
        }
        self.next_number = number;
        if (!self.has_leader) {
            self.mended_at = null;
            self.problem.set(format.syntax, 0, text[0..@min(text.len, 12)], format.leader_missing, .{}) catch {};
            if (record.fields.items.len == 0) return self.lose();
            try self.putUp();
            record.leader = unknown_leader.*;
        }
        try format.endRecord(self, record);
        record.seal();
    }

    inline fn readLine(self: *Reader, comptime format: type, line: []const u8, at: usize, record: *Record) Error!void {
        const fields = record.fields.items.len;
        const length = record.text.length();
        format.readLine(self, line, at, record) catch |err| {
            if (err != error.Problem) return err;
            record.fields.shrinkRetainingCapacity(fields);
            record.text.shrink(length);
            self.may_go_on = false;
            try self.putUp();
        };
    }

    /// The line, or where it is no UTF-8 what can be read of it.
    fn validLine(self: *Reader, line: []const u8, at: usize) Error![]const u8 {
        self.mended_at = null;
        const first = utf8.indexOfInvalid(line) orelse return line;
        self.problem.set(.utf8_invalid, at + first, line[first..@min(first + 4, line.len)], "the text is not UTF-8", .{}) catch {};
        try self.putUp();
        self.mended.clear();
        var rest = line;
        while (utf8.indexOfInvalid(rest)) |bad| {
            try self.mended.append(rest[0..bad]);
            try self.mended.appendCharacter(0xfffd);
            rest = rest[bad + 1 ..];
        }
        try self.mended.append(rest);
        self.mended_at = at;
        return self.mended.items();
    }

    /// Put down what `problem` says and go on, or report it where damage is not put up with.
    pub fn putUp(self: *Reader) Error!void {
        if (self.damages) |damages| if (damages.items.len >= salvage.problems_max) {
            self.untold += 1;
            return damages.items[salvage.problems_max - 1].tellMore(self.syntax, self.untold + 1);
        };
        if (self.mended_at) |at| self.problem.offset_in_record = at;
        self.tellLine();
        const damages = self.damages orelse return error.Problem;
        self.problem.look(self.text);
        self.problem.become(.salvaged);
        try damages.append(self.gpa, self.problem.*);
    }

    /// Say in `problem` in which line it is.
    fn tellLine(self: *Reader) void {
        const before = self.text[0..@intCast(@min(self.problem.offset_in_record, self.text.len))];
        self.problem.line = self.number + scan.count(.{ .others = "\n" }, before);
    }

    /// The leader is no leader, as `problem` says: the record goes without.
    pub fn putUpWithLeader(self: *Reader, record: *Record) Error!void {
        try self.putUp();
        record.leader = unknown_leader.*;
        self.has_leader = true;
    }

    /// Nothing can be read of the record. The first line that is wrong says most about that.
    fn lose(self: *Reader) error{Problem} {
        self.tellLine();
        if (self.damages) |damages| if (damages.items.len > 0) {
            self.problem.* = damages.items[0];
            self.problem.become(.lost);
        };
        return error.Problem;
    }
};

/// White space between records at the start of `data`, in bytes.
fn blankLength(data: []const u8) usize {
    for (data, 0..) |byte, index| switch (byte) {
        '\r', '\n', ' ', '\t' => {},
        else => return index,
    };
    return data.len;
}
