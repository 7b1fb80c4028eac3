//! What is asked of every record: which records are wanted, and which of their values. The language
//! that people write is taken apart by the host (`mrrc_ct/paths.py` has its grammar); here comes what it
//! was made into, a program of a few bytes, and is run on records.

const std = @import("std");
const record_module = @import("record.zig");
const scan = @import("scan.zig");
const utf8 = @import("utf8.zig");
const Buffer = @import("buffer.zig").Buffer;
const apart = @import("apart.zig");
const Record = record_module.Record;
const regex = @import("regex.zig");
const Tag = record_module.Tag;
const Tags = record_module.Tags;

const delimiters: scan.Class = .{ .others = &.{record_module.subfield_delimiter} };

/// What a path begins with.
pub const Place = enum(u8) { leader = 0, field = 1, number = 2, offset = 3 };

/// Which of the values that a path leads to a column has.
pub const Mode = enum(u8) {
    /// All of them, as a list.
    list = 0,
    first = 1,
    last = 2,
    /// All of them, with a separator between.
    join = 3,
    /// How many there are.
    count = 4,
    /// There should be one: the first, and it is noted when there are more.
    only = 5,
};

/// What a value is read as. Of a date: YYYYMMDD, or YYMMDD with the years from 1968 to 2067. Of a time:
/// a date and HHMMSS behind it, as field 005 has it.
pub const Type = enum(u8) { text = 0, integer = 1, date = 2, time = 3 };

const Compare = enum(u8) { equal = 0, less = 1, less_or_equal = 2, greater = 3, greater_or_equal = 4 };

/// A place in a record, and what of it is wanted.
const Alternative = struct {
    place: Place,
    /// A `.` stands for any character.
    tag: Tag,
    /// 0 stands for any.
    indicators: [2]u8,
    /// None: all of a control field, or the value of another.
    codes: []const u8,
    /// In characters; the whole has `open`.
    start: u32,
    end: u32,

    const open = std.math.maxInt(u32);

    fn isSliced(self: *const Alternative) bool {
        return self.start != 0 or self.end != open;
    }

    /// Whether it asks for no part that only fields with subfields have.
    fn isPlain(self: *const Alternative) bool {
        return self.codes.len == 0 and self.indicators[0] == 0 and self.indicators[1] == 0;
    }

    fn takes(self: *const Alternative, tag: Tag) bool {
        for (self.tag, tag) |wanted, given| if (wanted != given and wanted != '.') return false;
        return true;
    }

    /// Hand each value of a field to `visitor` until it has seen enough: whether it has.
    fn visit(self: *const Alternative, record: *const Record, field: record_module.Field, text: *Buffer, visitor: anytype) error{OutOfMemory}!bool {
        const content = record.content(field);
        if (record_module.isControlTag(field.tag)) return self.isPlain() and try self.show(content, visitor);
        if (!self.hasIndicators(content)) return false;
        if (self.codes.len == 1) return self.visitCode(record.from(field), content.len, visitor);
        var subfields: record_module.Subfields = .init(content);
        text.clear();
        var is_first = true;
        while (subfields.next()) |subfield| {
            var value = subfield.value;
            if (self.codes.len == 0) {
                if (subfield.code.len == 0) continue;
                value = apart.strip(value);
            } else if (subfield.code.len != 1 or std.mem.indexOfScalar(u8, self.codes, subfield.code[0]) == null) continue;
            if (!is_first) try text.byte(' ');
            is_first = false;
            try text.append(value);
        }
        return (!is_first or self.codes.len == 0) and try self.show(text.items(), visitor);
    }

    /// The same for one code, a block of the content at a time. `seen` begins with it and goes on.
    fn visitCode(self: *const Alternative, seen: []const u8, length: usize, visitor: anytype) error{OutOfMemory}!bool {
        var begin: ?usize = null;
        var at: usize = 0;
        while (at < length) : (at += scan.block_length) {
            var hits = scan.hitsIn(delimiters, scan.blockAt(seen, at));
            while (hits != 0) : (hits &= hits - 1) {
                const mark = at + @ctz(hits);
                if (mark >= length) break;
                if (begin) |start| if (try self.show(seen[start..mark], visitor)) return true;
                begin = if (mark + 1 < length and seen[mark + 1] == self.codes[0]) mark + 2 else null;
            }
        }
        return if (begin) |start| self.show(seen[start..length], visitor) else false;
    }

    fn hasIndicators(self: *const Alternative, content: []const u8) bool {
        for (self.indicators, 0..) |wanted, index| {
            if (wanted != 0 and (!record_module.hasIndicators(content) or content[index] != wanted)) return false;
        }
        return true;
    }

    fn show(self: *const Alternative, value: []const u8, visitor: anytype) error{OutOfMemory}!bool {
        if (!self.isSliced()) return visitor.see(value);
        const start = utf8.offsetOf(value, self.start);
        // What is not there has no value.
        if (start >= value.len) return false;
        const rest = value[start..];
        return visitor.see(rest[0..utf8.offsetOf(rest, self.end -| self.start)]);
    }
};

/// The first of them that a record has gives the values.
const Path = struct {
    alternatives: []const Alternative,

    /// As `Alternative.visit`, for a record.
    fn visit(self: Path, subject: Subject, text: *Buffer, visitor: anytype) error{OutOfMemory}!bool {
        var noting: Noting(@TypeOf(visitor)) = .{ .visitor = visitor };
        for (self.alternatives) |*one| {
            switch (one.place) {
                .leader => if (try one.show(&subject.record.leader, &noting)) return true,
                .number => return visitor.number(subject.number),
                .offset => return visitor.number(subject.offset),
                .field => for (subject.record.fields.items) |field| {
                    if (one.takes(field.tag) and try one.visit(subject.record, field, text, &noting)) return true;
                },
            }
            if (noting.has_seen) return false;
        }
        return false;
    }
};

/// A visitor, and whether it has been shown anything.
fn Noting(comptime Visitor: type) type {
    return struct {
        visitor: Visitor,
        has_seen: bool = false,

        fn see(self: *@This(), value: []const u8) error{OutOfMemory}!bool {
            self.has_seen = true;
            return self.visitor.see(value);
        }
    };
}

/// A record and where it stands in its source.
pub const Subject = struct {
    record: *const Record,
    /// From 1.
    number: u64,
    offset: u64,
};

pub const Column = struct {
    name: []const u8,
    path: Path,
    mode: Mode,
    type: Type,
    separator: []const u8,

    /// Whether the path is that of the record's number or offset.
    pub fn isNumber(self: *const Column) bool {
        return switch (self.path.alternatives[0].place) {
            .number, .offset => true,
            .leader, .field => false,
        };
    }
};

const Test = union(enum) {
    exists,
    text: struct { how: Compare, than: []const u8 },
    integer: struct { how: Compare, than: i64 },
    count: struct { how: Compare, than: i64 },
    /// Whether one of many is the value, or what of it stands between blanks.
    among: struct { texts: std.StringHashMapUnmanaged(void), is_trimmed: bool },
    /// The number of an expression.
    match: u32,
};

const Node = union(enum) {
    both: struct { *const Node, *const Node },
    either: struct { *const Node, *const Node },
    not: *const Node,
    is: struct { path: Path, what: Test },
};

/// A column and one of the alternatives of its path that is a field.
const Target = struct { column: u32, turn: u32, alternative: *const Alternative };

/// So many targets have a bit in the table of tags.
const bits = 64;
const columns_max = 4096;
/// Bytes that are joined at most.
const joined_max = 1 << 30;
const depth_max = 1500;

pub const Failure = struct {
    /// In bytes from the start of the expression that cannot be read, and its number among them.
    offset: usize = 0,
    expression: usize = 0,
    message: []const u8 = "",
};

pub const Plan = struct {
    gpa: std.mem.Allocator,
    arena: std.heap.ArenaAllocator,
    columns: []const Column = &.{},
    filter: ?*const Node = null,
    expressions: []const regex.Regex = &.{},
    targets: []const Target = &.{},
    /// Which of the first targets may want a tag, by `Tags.placeOf`; the others are asked each time.
    wanted: [4096]u64 = @splat(0),
    /// All that columns and filter ask for, and what decoding and errors need.
    reads: Tags = .{},
    references: std.atomic.Value(u32) = .init(1),

    /// Read a program. Null when it is none, or an expression in it cannot be read, as `failure` says.
    pub fn create(gpa: std.mem.Allocator, program: []const u8, failure: *Failure) error{OutOfMemory}!?*Plan {
        const self = try gpa.create(Plan);
        self.* = .{ .gpa = gpa, .arena = .init(gpa) };
        errdefer self.destroy();
        var input: Input = .{ .bytes = program, .plan = self, .arena = self.arena.allocator(), .failure = failure };
        self.read(&input) catch |err| switch (err) {
            error.OutOfMemory => return error.OutOfMemory,
            error.Invalid => {
                self.destroy();
                return null;
            },
        };
        return self;
    }

    pub fn retain(self: *Plan) *Plan {
        _ = self.references.fetchAdd(1, .monotonic);
        return self;
    }

    pub fn release(self: *Plan) void {
        if (self.references.fetchSub(1, .acq_rel) == 1) self.destroy();
    }

    fn destroy(self: *Plan) void {
        const gpa = self.gpa;
        self.arena.deinit();
        gpa.destroy(self);
    }

    fn read(self: *Plan, input: *Input) Input.Error!void {
        self.reads.add("001".*);
        self.reads.add("066".*);
        const count = try input.number(u16);
        if (count > columns_max) return error.Invalid;
        const columns = try input.arena.alloc(Column, count);
        var targets: std.ArrayList(Target) = .empty;
        for (columns, 0..) |*column, index| {
            column.* = try input.column();
            for (column.path.alternatives, 0..) |*one, turn| if (one.place == .field) {
                const number = targets.items.len;
                try targets.append(input.arena, .{ .column = @intCast(index), .turn = @intCast(turn), .alternative = one });
                if (number < bits) self.want(one, number);
            };
        }
        self.columns = columns;
        self.targets = targets.items;
        if (try input.number(u8) != 0) self.filter = try input.node(0);
        self.expressions = input.expressions.items;
        if (input.bytes.len != 0) return error.Invalid;
    }

    fn want(self: *Plan, alternative: *const Alternative, number: usize) void {
        for (&self.wanted, 0..) |*mask, place| {
            if (Tags.isLike(place, alternative.tag)) mask.* |= @as(u64, 1) << @intCast(number);
        }
    }

    /// Whether the record is one of those that are wanted.
    pub fn wants(self: *const Plan, scratch: *Scratch, subject: Subject) error{OutOfMemory}!bool {
        const filter = self.filter orelse return true;
        while (scratch.matching.items.len < self.expressions.len) {
            try scratch.matching.ensureUnusedCapacity(scratch.gpa, 1);
            scratch.matching.appendAssumeCapacity(try .init(scratch.gpa, &self.expressions[scratch.matching.items.len]));
        }
        return self.isTrue(filter, scratch, subject);
    }

    fn isTrue(self: *const Plan, node: *const Node, scratch: *Scratch, subject: Subject) error{OutOfMemory}!bool {
        switch (node.*) {
            .both => |pair| return try self.isTrue(pair[0], scratch, subject) and try self.isTrue(pair[1], scratch, subject),
            .either => |pair| return try self.isTrue(pair[0], scratch, subject) or try self.isTrue(pair[1], scratch, subject),
            .not => |one| return !try self.isTrue(one, scratch, subject),
            .is => |*one| {
                var seeing: Seeing = .{ .what = &one.what, .plan = self, .scratch = scratch };
                if (try one.path.visit(subject, &scratch.text, &seeing)) return true;
                return switch (one.what) {
                    .count => |count| compare(i64, count.how, seeing.count, count.than),
                    else => false,
                };
            },
        }
    }

    /// Append a row: number and offset of the record, 64 bits each; of each column how many values its
    /// path leads to, in 32 bits, and of those that it has the length and the bytes. It has none where it counts.
    pub fn writeRow(self: *const Plan, scratch: *Scratch, subject: Subject, out: *Buffer) error{OutOfMemory}!void {
        try scratch.begin(self.columns.len);
        for (subject.record.fields.items) |field| {
            var mask = self.wanted[Tags.placeOf(field.tag)];
            while (mask != 0) : (mask &= mask - 1) try self.take(scratch, subject, field, self.targets[@ctz(mask)]);
            if (self.targets.len > bits) for (self.targets[bits..]) |target| try self.take(scratch, subject, field, target);
        }
        try putNumber(u64, out, subject.number);
        try putNumber(u64, out, subject.offset);
        for (self.columns, scratch.cells.items[0..self.columns.len]) |*column, *cell| {
            for (column.path.alternatives, 0..) |*one, turn| if (one.place == .leader and turn < cell.turn) {
                _ = try one.show(&subject.record.leader, Adding{ .cell = cell, .column = column, .turn = @intCast(turn) });
            };
            try cell.close(column, out);
        }
    }

    fn take(self: *const Plan, scratch: *Scratch, subject: Subject, field: record_module.Field, target: Target) error{OutOfMemory}!void {
        const cell = &scratch.cells.items[target.column];
        if (target.turn > cell.turn or !target.alternative.takes(field.tag)) return;
        const adding: Adding = .{ .cell = cell, .column = &self.columns[target.column], .turn = target.turn };
        _ = try target.alternative.visit(subject.record, field, &scratch.text, adding);
    }
};

fn putNumber(comptime T: type, out: *Buffer, value: T) error{OutOfMemory}!void {
    std.mem.writeInt(T, try out.addArray(@sizeOf(T)), value, .little);
}

/// Memory that a plan is run in, used again for each record. Each thread has its own.
pub const Scratch = struct {
    gpa: std.mem.Allocator,
    cells: std.ArrayList(Cell) = .empty,
    text: Buffer,
    /// One for each expression.
    matching: std.ArrayList(regex.Scratch) = .empty,

    pub fn init(gpa: std.mem.Allocator) Scratch {
        return .{ .gpa = gpa, .text = .{ .gpa = gpa } };
    }

    pub fn deinit(self: *Scratch) void {
        for (self.cells.items) |*cell| cell.values.deinit();
        self.cells.deinit(self.gpa);
        self.text.deinit();
        for (self.matching.items) |*one| one.deinit(self.gpa);
        self.matching.deinit(self.gpa);
        self.* = undefined;
    }

    fn begin(self: *Scratch, count: usize) error{OutOfMemory}!void {
        while (self.cells.items.len < count) try self.cells.append(self.gpa, .{ .values = .{ .gpa = self.gpa } });
        for (self.cells.items[0..count]) |*cell| cell.restart(Cell.nowhere);
    }
};

/// What a column has of the record at hand.
const Cell = struct {
    values: Buffer,
    count: u32 = 0,
    /// The alternative that its values are of.
    turn: u32 = nowhere,

    const nowhere = std.math.maxInt(u32);

    fn restart(self: *Cell, turn: u32) void {
        self.values.clear();
        self.count = 0;
        self.turn = turn;
    }

    fn add(self: *Cell, column: *const Column, value: []const u8) error{OutOfMemory}!void {
        defer self.count += 1;
        // As nearly all columns are.
        if (column.mode == .list or (self.count == 0 and (column.mode == .only or column.mode == .first))) return self.put(value);
        switch (column.mode) {
            .count => return,
            .first, .only, .list => {},
            .last => {
                self.values.clear();
                try self.put(value);
            },
            .join => {
                // Separators make it longer than any record: what is joined has to fit into a column.
                if (self.values.length() + column.separator.len + value.len > joined_max) return error.OutOfMemory;
                // The length comes at the end.
                try self.values.append(if (self.count == 0) &@as([4]u8, @splat(0)) else column.separator);
                try self.values.append(value);
            },
        }
    }

    /// Length and bytes of a value.
    inline fn put(self: *Cell, value: []const u8) error{OutOfMemory}!void {
        const room = try self.values.addSlice(4 + value.len);
        std.mem.writeInt(u32, room[0..4], @intCast(value.len), .little);
        @memcpy(room[4..], value);
    }

    fn close(self: *Cell, column: *const Column, out: *Buffer) error{OutOfMemory}!void {
        const bytes = self.values.items();
        if (column.mode == .join and self.count > 0) std.mem.writeInt(u32, bytes[0..4], @intCast(bytes.len - 4), .little);
        const room = try out.addSlice(4 + bytes.len);
        std.mem.writeInt(u32, room[0..4], self.count, .little);
        @memcpy(room[4..], bytes);
    }
};

/// Puts what it sees into a cell.
const Adding = struct {
    cell: *Cell,
    column: *const Column,
    turn: u32,

    pub fn see(self: Adding, value: []const u8) error{OutOfMemory}!bool {
        if (self.turn < self.cell.turn) self.cell.restart(self.turn);
        try self.cell.add(self.column, value);
        return false;
    }
};

/// Looks for a value that a test is true of, or counts them.
const Seeing = struct {
    what: *const Test,
    plan: *const Plan,
    scratch: *Scratch,
    count: i64 = 0,

    pub fn see(self: *Seeing, value: []const u8) error{OutOfMemory}!bool {
        self.count += 1;
        return switch (self.what.*) {
            .exists => true,
            .count => false,
            .among => |one| one.texts.contains(if (one.is_trimmed) std.mem.trim(u8, value, " ") else value),
            .match => |number_of| self.plan.expressions[number_of].search(&self.scratch.matching.items[number_of], value),
            .integer => |one| compare(i64, one.how, integerOf(value) orelse return false, one.than),
            .text => |one| switch (std.mem.order(u8, value, one.than)) {
                .eq => one.how == .equal or one.how == .less_or_equal or one.how == .greater_or_equal,
                .lt => one.how == .less or one.how == .less_or_equal,
                .gt => one.how == .greater or one.how == .greater_or_equal,
            },
        };
    }

    pub fn number(self: *Seeing, value: u64) error{OutOfMemory}!bool {
        self.count += 1;
        return switch (self.what.*) {
            .exists => true,
            .integer => |one| compare(i64, one.how, std.math.cast(i64, value) orelse return false, one.than),
            .text, .among, .match, .count => false,
        };
    }
};

fn compare(comptime T: type, how: Compare, one: T, other: T) bool {
    return switch (how) {
        .equal => one == other,
        .less => one < other,
        .less_or_equal => one <= other,
        .greater => one > other,
        .greater_or_equal => one >= other,
    };
}

/// The number that a text is, but for blanks around it.
pub fn integerOf(text: []const u8) ?i64 {
    const digits = std.mem.trim(u8, text, " ");
    // Zig allows underscores between digits.
    if (digits.len == 0 or std.mem.indexOfScalar(u8, digits, '_') != null) return null;
    return std.fmt.parseInt(i64, digits, 10) catch null;
}

/// Takes a program apart.
const Input = struct {
    bytes: []const u8,
    plan: *Plan,
    arena: std.mem.Allocator,
    failure: *Failure,
    expressions: std.ArrayList(regex.Regex) = .empty,

    const Error = error{ Invalid, OutOfMemory };

    fn take(self: *Input, count: usize) Error![]const u8 {
        if (count > self.bytes.len) return error.Invalid;
        defer self.bytes = self.bytes[count..];
        return self.bytes[0..count];
    }

    fn number(self: *Input, comptime T: type) Error!T {
        return std.mem.readInt(T, (try self.take(@sizeOf(T)))[0..@sizeOf(T)], .little);
    }

    fn choice(self: *Input, comptime E: type) Error!E {
        return std.enums.fromInt(E, try self.number(u8)) orelse error.Invalid;
    }

    fn text(self: *Input) Error![]const u8 {
        return self.arena.dupe(u8, try self.take(try self.number(u16)));
    }

    fn path(self: *Input) Error!Path {
        const alternatives = try self.arena.alloc(Alternative, try self.number(u8));
        if (alternatives.len == 0) return error.Invalid;
        for (alternatives) |*one| {
            one.* = .{
                .place = try self.choice(Place),
                .tag = (try self.take(3))[0..3].*,
                .indicators = (try self.take(2))[0..2].*,
                .codes = try self.text(),
                .start = try self.number(u32),
                .end = try self.number(u32),
            };
            if (one.place == .field) self.plan.reads.add(one.tag);
        }
        return .{ .alternatives = alternatives };
    }

    fn column(self: *Input) Error!Column {
        const name = try self.text();
        // It crosses to Arrow with a NUL behind it.
        if (utf8.indexOfInvalid(name) != null or std.mem.indexOfScalar(u8, name, 0) != null) return error.Invalid;
        const found: Column = .{
            .name = name,
            .path = try self.path(),
            .mode = try self.choice(Mode),
            .type = try self.choice(Type),
            .separator = try self.text(),
        };
        const is_integer = found.type == .integer;
        if (found.isNumber() and (found.path.alternatives.len > 1 or !is_integer or found.mode != .only)) return error.Invalid;
        for (found.path.alternatives[1..]) |one| if (one.place == .number or one.place == .offset) return error.Invalid;
        if (found.mode == .count and !is_integer) return error.Invalid;
        if ((found.mode == .join or found.mode == .list) and found.type != .text) return error.Invalid;
        if (utf8.indexOfInvalid(found.separator) != null) return error.Invalid;
        return found;
    }

    fn node(self: *Input, depth: usize) Error!*const Node {
        if (depth == depth_max) return error.Invalid;
        const found = try self.arena.create(Node);
        const kind = try self.choice(enum(u8) { both, either, not, exists, text, integer, count, match, among });
        found.* = switch (kind) {
            .both => .{ .both = .{ try self.node(depth + 1), try self.node(depth + 1) } },
            .either => .{ .either = .{ try self.node(depth + 1), try self.node(depth + 1) } },
            .not => .{ .not = try self.node(depth + 1) },
            .exists => .{ .is = .{ .path = try self.path(), .what = .exists } },
            .text => .{ .is = .{ .path = try self.path(), .what = .{ .text = .{ .how = try self.choice(Compare), .than = try self.text() } } } },
            .integer => .{ .is = .{ .path = try self.path(), .what = .{ .integer = .{ .how = try self.choice(Compare), .than = try self.number(i64) } } } },
            .count => .{ .is = .{ .path = try self.path(), .what = .{ .count = .{ .how = try self.choice(Compare), .than = try self.number(i64) } } } },
            .match => .{ .is = .{ .path = try self.path(), .what = .{ .match = try self.pattern() } } },
            .among => .{ .is = .{ .path = try self.path(), .what = try self.among() } },
        };
        return found;
    }

    fn among(self: *Input) Error!Test {
        const is_trimmed = try self.number(u8) != 0;
        const count = try self.number(u32);
        // Each has two bytes at least.
        if (count > self.bytes.len / 2) return error.Invalid;
        var texts: std.StringHashMapUnmanaged(void) = .empty;
        try texts.ensureTotalCapacity(self.arena, count);
        for (0..count) |_| texts.putAssumeCapacity(try self.text(), {});
        return .{ .among = .{ .texts = texts, .is_trimmed = is_trimmed } };
    }

    fn pattern(self: *Input) Error!u32 {
        const index = self.expressions.items.len;
        var failure: regex.Failure = .{};
        const compiled = regex.Regex.compile(self.arena, try self.text(), &failure) catch |err| {
            if (err == error.Invalid) self.failure.* = .{ .offset = failure.offset, .expression = index, .message = failure.message };
            return err;
        };
        try self.expressions.append(self.arena, compiled);
        return @intCast(index);
    }
};
