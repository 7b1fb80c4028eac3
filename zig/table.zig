//! Rows to columns: what `Plan.writeRow` made of records becomes batches of Arrow, CSV or JSON lines.

const std = @import("std");
const arrow = @import("arrow.zig");
const plan_module = @import("plan.zig");
const json_writer = @import("json_writer.zig");
const Buffer = @import("buffer.zig").Buffer;
const Bytes = arrow.Bytes;
const Column = plan_module.Column;
const Plan = plan_module.Plan;

/// A column's values would not fit behind 32-bit offsets: a batch ends before that.
const column_bytes_max = 1 << 30;

/// Why the adding of rows stopped.
pub const Added = struct {
    /// Bytes of rows that are done with.
    consumed: usize,
    why: enum { all_added, batch_is_full, value_repeated },
    /// Of a value that is repeated: its column, and the record.
    column: usize = 0,
    number: u64 = 0,
    offset: u64 = 0,
};

/// What was met that the columns do not tell.
pub const Tally = extern struct {
    /// Records where there is more than one value.
    repeated: u64 = 0,
    /// Values that are no number, date or time, where these are wanted.
    unread: u64 = 0,
};

/// What a column has of a row.
const Cell = struct {
    count: u32,
    /// Length and bytes of each value that is there.
    values: []const u8,

    /// The one value; null where there is none.
    fn one(self: Cell) ?[]const u8 {
        return if (self.count == 0) null else self.values[4..];
    }

    const Each = struct {
        rest: []const u8,

        fn next(self: *Each) ?[]const u8 {
            if (self.rest.len == 0) return null;
            const length = std.mem.readInt(u32, self.rest[0..4], .little);
            defer self.rest = self.rest[4 + length ..];
            return self.rest[4..][0..length];
        }
    };

    fn each(self: Cell) Each {
        return .{ .rest = self.values };
    }
};

/// Takes rows apart.
const Rows = struct {
    bytes: []const u8,

    const Error = error{Invalid};

    fn take(self: *Rows, count: usize) Error![]const u8 {
        if (count > self.bytes.len) return error.Invalid;
        defer self.bytes = self.bytes[count..];
        return self.bytes[0..count];
    }

    fn number(self: *Rows, comptime T: type) Error!T {
        return std.mem.readInt(T, (try self.take(@sizeOf(T)))[0..@sizeOf(T)], .little);
    }

    fn cell(self: *Rows, column: *const Column) Error!Cell {
        const count = try self.number(u32);
        const here = switch (column.mode) {
            .list => count,
            .count => 0,
            .first, .last, .join, .only => @min(count, 1),
        };
        const all = self.bytes;
        for (0..here) |_| _ = try self.take(try self.number(u32));
        return .{ .count = count, .values = all[0 .. all.len - self.bytes.len] };
    }
};

/// What a batch has of a column.
const Builder = struct {
    /// A bit for each row, or nothing as long as all are there.
    validity: Bytes = .empty,
    nulls: usize = 0,
    /// Of a list: where each row's values begin. There is one more of these than rows.
    lists: Bytes = .empty,
    /// Of texts: the same of each value's bytes. They are in `values`, as are numbers.
    offsets: Bytes = .empty,
    values: Bytes = .empty,
    /// Values of lists.
    count: usize = 0,

    fn deinit(self: *Builder, gpa: std.mem.Allocator) void {
        inline for (.{ &self.validity, &self.lists, &self.offsets, &self.values }) |bytes| bytes.deinit(gpa);
    }

    fn begin(self: *Builder, gpa: std.mem.Allocator, column: *const Column) !void {
        if (column.mode == .list) try put(u32, gpa, &self.lists, 0);
        if (column.type == .text) try put(u32, gpa, &self.offsets, 0);
    }

    fn text(self: *Builder, gpa: std.mem.Allocator, value: []const u8) !void {
        try self.values.appendSlice(gpa, value);
        try put(u32, gpa, &self.offsets, @intCast(self.values.items.len));
    }

    /// Say that a row has no value.
    fn none(self: *Builder, gpa: std.mem.Allocator, column: *const Column, row: usize) !void {
        if (self.nulls == 0) try self.validity.appendNTimes(gpa, 0xff, row / 8 + 1);
        self.nulls += 1;
        try self.grow(gpa, row);
        self.validity.items[row / 8] &= ~(@as(u8, 1) << @intCast(row % 8));
        switch (column.type) {
            .text => try put(u32, gpa, &self.offsets, @intCast(self.values.items.len)),
            .date => try put(i32, gpa, &self.values, 0),
            .integer, .time => try put(i64, gpa, &self.values, 0),
        }
    }

    /// See that there is a bit for a row.
    fn grow(self: *Builder, gpa: std.mem.Allocator, row: usize) !void {
        while (self.nulls > 0 and self.validity.items.len <= row / 8) try self.validity.append(gpa, 0xff);
    }

    fn hand(self: *Builder, gpa: std.mem.Allocator, column: *const Column, rows: usize) arrow.Error!arrow.Array {
        defer self.* = .{};
        if (column.mode == .list) {
            self.validity.deinit(gpa);
            var text_buffers = [_]Bytes{ .empty, self.offsets, self.values };
            var lists = [_]Bytes{ .empty, self.lists };
            var children = [_]arrow.Array{arrow.arrayOf(gpa, self.count, 0, &text_buffers, &.{}) catch |err| {
                lists[1].deinit(gpa);
                return err;
            }};
            return arrow.arrayOf(gpa, rows, 0, &lists, &children);
        }
        self.lists.deinit(gpa);
        var buffers = [_]Bytes{ self.validity, self.offsets, self.values };
        if (column.type == .text) return arrow.arrayOf(gpa, rows, self.nulls, &buffers, &.{});
        self.offsets.deinit(gpa);
        buffers[1] = self.values;
        return arrow.arrayOf(gpa, rows, self.nulls, buffers[0..2], &.{});
    }
};

fn put(comptime T: type, gpa: std.mem.Allocator, target: *Bytes, value: T) !void {
    try target.appendSlice(gpa, std.mem.asBytes(&value));
}

pub const Table = struct {
    gpa: std.mem.Allocator,
    plan: *Plan,
    builders: []Builder,
    tallies: []Tally,
    /// Rows of the batch at hand.
    rows: usize = 0,
    has_begun: bool = false,
    out: Buffer,

    pub fn create(gpa: std.mem.Allocator, plan: *Plan) error{OutOfMemory}!*Table {
        const builders = try gpa.alloc(Builder, plan.columns.len);
        errdefer gpa.free(builders);
        @memset(builders, .{});
        const tallies = try gpa.alloc(Tally, plan.columns.len);
        errdefer gpa.free(tallies);
        @memset(tallies, .{});
        const self = try gpa.create(Table);
        self.* = .{ .gpa = gpa, .plan = plan.retain(), .builders = builders, .tallies = tallies, .out = .{ .gpa = gpa } };
        return self;
    }

    pub fn destroy(self: *Table) void {
        const gpa = self.gpa;
        for (self.builders) |*builder| builder.deinit(gpa);
        gpa.free(self.builders);
        gpa.free(self.tallies);
        self.out.deinit();
        self.plan.release();
        gpa.destroy(self);
    }

    /// Add rows to the batch, which is to have no more than `limit`. `before` records were begun before
    /// those that the rows count from. Where `is_strict` a repeated value stops it, before its row. After
    /// a failure there is no batch any more.
    pub fn add(self: *Table, bytes: []const u8, before: u64, limit: usize, is_strict: bool) error{ OutOfMemory, Invalid }!Added {
        errdefer self.begin();
        var rows: Rows = .{ .bytes = bytes };
        while (rows.bytes.len > 0) {
            const consumed = bytes.len - rows.bytes.len;
            if (self.rows >= limit or self.isLarge()) return .{ .consumed = consumed, .why = .batch_is_full };
            const number = before +% try rows.number(u64);
            const offset = try rows.number(u64);
            if (is_strict) if (try self.repeatedColumn(rows)) |column| {
                return .{ .consumed = consumed, .why = .value_repeated, .column = column, .number = number, .offset = offset };
            };
            if (!self.has_begun) for (self.plan.columns, self.builders) |*column, *builder| try builder.begin(self.gpa, column);
            self.has_begun = true;
            for (self.plan.columns, self.builders, self.tallies) |*column, *builder, *tally| {
                try self.addCell(column, builder, tally, try rows.cell(column), number, offset);
            }
            self.rows += 1;
        }
        return .{ .consumed = bytes.len, .why = .all_added };
    }

    /// The first column where there should be one value and the row that begins has more.
    fn repeatedColumn(self: *const Table, begun: Rows) error{Invalid}!?usize {
        var rows = begun;
        for (self.plan.columns, 0..) |*column, index| {
            const cell = try rows.cell(column);
            if (column.mode == .only and cell.count > 1) return index;
        }
        return null;
    }

    /// Begin another batch.
    fn begin(self: *Table) void {
        for (self.builders) |*builder| {
            builder.deinit(self.gpa);
            builder.* = .{};
        }
        self.rows = 0;
        self.has_begun = false;
    }

    fn isLarge(self: *const Table) bool {
        for (self.builders) |*builder| if (builder.values.items.len > column_bytes_max or builder.count > column_bytes_max / 4) return true;
        return false;
    }

    fn addCell(self: *Table, column: *const Column, builder: *Builder, tally: *Tally, cell: Cell, number: u64, offset: u64) !void {
        const gpa = self.gpa;
        // Offsets are 32-bit numbers with a sign. The rows need not be the core's own.
        if (builder.values.items.len + cell.values.len > std.math.maxInt(i32)) return error.Invalid;
        if (column.mode == .list) {
            var each = cell.each();
            while (each.next()) |value| try builder.text(gpa, value);
            builder.count += cell.count;
            return put(u32, gpa, &builder.lists, @intCast(builder.count));
        }
        if (column.mode == .only and cell.count > 1) tally.repeated += 1;
        switch (resultOf(column, cell, number, offset)) {
            .text => |value| try builder.text(gpa, value),
            .integer => |value| if (column.type == .date) try put(i32, gpa, &builder.values, @intCast(value)) else try put(i64, gpa, &builder.values, value),
            .none => try builder.none(gpa, column, self.rows),
            .unread => {
                tally.unread += 1;
                try builder.none(gpa, column, self.rows);
            },
        }
        try builder.grow(gpa, self.rows);
    }

    /// Hand over the batch. There is none any more then, whatever comes of it.
    pub fn take(self: *Table, result: *arrow.Array) arrow.Error!void {
        defer self.begin();
        const children = try self.gpa.alloc(arrow.Array, self.builders.len);
        defer self.gpa.free(children);
        var made: usize = 0;
        errdefer arrow.releaseAll(arrow.Array, children[0..made]);
        if (!self.has_begun) for (self.plan.columns, self.builders) |*column, *builder| try builder.begin(self.gpa, column);
        for (self.plan.columns, self.builders, children) |*column, *builder, *child| {
            child.* = try builder.hand(self.gpa, column, self.rows);
            made += 1;
        }
        var validity = [_]Bytes{.empty};
        made = 0; // they are taken over, whatever becomes of it
        result.* = try arrow.arrayOf(self.gpa, self.rows, 0, &validity, children);
    }

    /// Rows as text, in `out`. Where `is_strict` a repeated value stops it, before its row.
    pub fn text(self: *Table, form: Form, bytes: []const u8, before: u64, separator: u8, is_strict: bool) error{ OutOfMemory, Invalid }!Added {
        self.out.clear();
        var rows: Rows = .{ .bytes = bytes };
        while (rows.bytes.len > 0) {
            const consumed = bytes.len - rows.bytes.len;
            const number = before +% try rows.number(u64);
            const offset = try rows.number(u64);
            if (is_strict) if (try self.repeatedColumn(rows)) |column| {
                return .{ .consumed = consumed, .why = .value_repeated, .column = column, .number = number, .offset = offset };
            };
            const mark = self.out.length();
            if (form == .values) {
                for (self.plan.columns) |*column| try self.values(column, try rows.cell(column));
                continue;
            }
            if (form == .json) try self.out.byte('{');
            for (self.plan.columns, self.tallies, 0..) |*column, *tally, index| {
                const cell = try rows.cell(column);
                if (column.mode == .only and cell.count > 1) tally.repeated += 1;
                if (index > 0) try self.out.byte(if (form == .json) ',' else separator);
                switch (form) {
                    .json => try self.jsonCell(column, tally, cell, number, offset),
                    .csv => try self.csvCell(column, tally, cell, number, offset, separator),
                    .values => unreachable,
                }
            }
            // A line with nothing on it would be no row.
            if (self.out.length() == mark) try self.out.append("\"\"");
            // CSV ends its lines as RFC 4180 says; with tabs between, lines are for other tools.
            try self.out.append(if (form == .json) "}\n" else if (separator == '\t') "\n" else "\r\n");
        }
        return .{ .consumed = bytes.len, .why = .all_added };
    }

    /// The values of a cell with 1E behind each, and 1D behind all. What is neither can have neither.
    fn values(self: *Table, column: *const Column, cell: Cell) !void {
        const out = &self.out;
        if (column.mode == .count) try out.print("{d}\x1e", .{cell.count});
        var each = cell.each();
        while (each.next()) |value| {
            const mark = out.length();
            try out.append(value);
            for (out.items()[mark..]) |*byte| if (byte.* == 0x1d or byte.* == 0x1e) {
                byte.* = ' ';
            };
            try out.byte(0x1e);
        }
        try out.byte(0x1d);
    }

    fn jsonCell(self: *Table, column: *const Column, tally: *Tally, cell: Cell, number: u64, offset: u64) !void {
        const out = &self.out;
        try json_writer.string(out, column.name);
        try out.byte(':');
        if (column.mode == .list) {
            try out.byte('[');
            var each = cell.each();
            var is_first = true;
            while (each.next()) |value| {
                if (!is_first) try out.byte(',');
                is_first = false;
                try json_writer.string(out, value);
            }
            return out.byte(']');
        }
        switch (resultOf(column, cell, number, offset)) {
            .text => |value| try json_writer.string(out, value),
            .integer => |value| switch (column.type) {
                .date, .time => {
                    try out.byte('"');
                    try putTime(out, column.type, value);
                    try out.byte('"');
                },
                else => try out.print("{d}", .{value}),
            },
            .none => try out.append("null"),
            .unread => {
                tally.unread += 1;
                try out.append("null");
            },
        }
    }

    fn csvCell(self: *Table, column: *const Column, tally: *Tally, cell: Cell, number: u64, offset: u64, separator: u8) !void {
        const out = &self.out;
        if (column.mode == .list) {
            // What stands between the values is the column's separator.
            const mark = out.length();
            var each = cell.each();
            var is_first = true;
            while (each.next()) |value| {
                if (!is_first) try out.append(column.separator);
                is_first = false;
                try out.append(value);
            }
            return quoteFrom(out, mark, separator);
        }
        switch (resultOf(column, cell, number, offset)) {
            .text => |value| {
                const mark = out.length();
                try out.append(value);
                try quoteFrom(out, mark, separator);
            },
            .integer => |value| switch (column.type) {
                .date, .time => try putTime(out, column.type, value),
                else => try out.print("{d}", .{value}),
            },
            .none => {},
            .unread => tally.unread += 1,
        }
    }

    /// The schema of a plan's batches: a struct with the columns.
    pub fn schema(gpa: std.mem.Allocator, plan: *const Plan) arrow.Error!arrow.Schema {
        const children = try gpa.alloc(arrow.Schema, plan.columns.len);
        defer gpa.free(children);
        var made: usize = 0;
        errdefer arrow.releaseAll(arrow.Schema, children[0..made]);
        for (plan.columns, children) |*column, *child| {
            child.* = try schemaOfColumn(gpa, column);
            made += 1;
        }
        made = 0;
        return arrow.schemaOf(gpa, "+s", "", 0, children);
    }

    fn schemaOfColumn(gpa: std.mem.Allocator, column: *const Column) arrow.Error!arrow.Schema {
        if (column.mode == .list) {
            var items = [_]arrow.Schema{try arrow.schemaOf(gpa, "u", "item", 0, &.{})};
            return arrow.schemaOf(gpa, "+l", column.name, 0, &items);
        }
        const format = switch (column.type) {
            .text => "u",
            .integer => "l",
            .date => "tdD",
            .time => "tss:",
        };
        const is_there = column.isNumber() or column.mode == .count;
        return arrow.schemaOf(gpa, format, column.name, if (is_there) 0 else arrow.Schema.nullable, &.{});
    }
};

pub const Form = enum(u32) {
    csv = 0,
    json = 1,
    /// No lines: 1E behind each value, 1D behind each column's.
    values = 2,
};

const Result = union(enum) {
    none,
    /// There is a value, and it is not what it should be.
    unread,
    text: []const u8,
    /// A date counts days from 1970, a time seconds.
    integer: i64,
};

/// What a cell says in a column that is no list.
fn resultOf(column: *const Column, cell: Cell, number: u64, offset: u64) Result {
    switch (column.path.alternatives[0].place) {
        .number => return .{ .integer = @bitCast(number) },
        .offset => return .{ .integer = @bitCast(offset) },
        .leader, .field => {},
    }
    if (column.mode == .count) return .{ .integer = cell.count };
    const value = cell.one() orelse return .none;
    return switch (column.type) {
        .text => .{ .text = value },
        .integer => .{ .integer = plan_module.integerOf(value) orelse return .unread },
        .date => .{ .integer = daysOf(value) orelse return .unread },
        .time => .{ .integer = secondsOf(value) orelse return .unread },
    };
}

fn digits(text: []const u8) ?u32 {
    for (text) |byte| if (!std.ascii.isDigit(byte)) return null;
    return std.fmt.parseInt(u32, text, 10) catch null;
}

/// Days from 1970 to a date, YYYYMMDD or YYMMDD. MARC began in 1968.
fn daysOf(text: []const u8) ?i64 {
    const is_long = text.len >= 8;
    if (text.len != 8 and text.len != 6) return null;
    const split: usize = if (is_long) 4 else 2;
    var year = digits(text[0..split]) orelse return null;
    if (!is_long) year += if (year < 68) 2000 else 1900;
    const month = digits(text[split..][0..2]) orelse return null;
    const day = digits(text[split + 2 ..][0..2]) orelse return null;
    if (year < 1 or month < 1 or month > 12 or day < 1) return null;
    const is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0);
    const lengths = [12]u8{ 31, if (is_leap) 29 else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    if (day > lengths[month - 1]) return null;
    // March is the first month, so that the odd day is the last of a year.
    const y: i64 = @as(i64, year) - @intFromBool(month < 3);
    const m: i64 = (month + 9) % 12;
    const from_march = @divTrunc(153 * m + 2, 5) + day - 1;
    return y * 365 + @divFloor(y, 4) - @divFloor(y, 100) + @divFloor(y, 400) + from_march - 719_468;
}

/// Seconds from 1970 to YYYYMMDDHHMMSS, of which tenths are left out, as field 005 has them.
fn secondsOf(text: []const u8) ?i64 {
    if (text.len < 14 or (text.len > 14 and text[14] != '.')) return null;
    const hour = digits(text[8..10]) orelse return null;
    const minute = digits(text[10..12]) orelse return null;
    const second = digits(text[12..14]) orelse return null;
    if (hour > 23 or minute > 59 or second > 59) return null;
    return (daysOf(text[0..8]) orelse return null) * 86_400 + hour * 3600 + minute * 60 + second;
}

/// Append a date or a time as ISO 8601 has it.
fn putTime(out: *Buffer, kind: plan_module.Type, value: i64) error{OutOfMemory}!void {
    const days = if (kind == .date) value else @divFloor(value, 86_400);
    // As above, the other way round.
    const z = days + 719_468;
    const era = @divFloor(z, 146_097);
    const day_of_era = z - era * 146_097;
    const year_of_era = @divTrunc(day_of_era - @divTrunc(day_of_era, 1460) + @divTrunc(day_of_era, 36_524) - @divTrunc(day_of_era, 146_096), 365);
    const day_of_year = day_of_era - (365 * year_of_era + @divTrunc(year_of_era, 4) - @divTrunc(year_of_era, 100));
    const m = @divTrunc(5 * day_of_year + 2, 153);
    const month = if (m < 10) m + 3 else m - 9;
    const year = year_of_era + era * 400 + @intFromBool(month <= 2);
    const day = day_of_year - @divTrunc(153 * m + 2, 5) + 1;
    try out.print("{d:0>4}-{d:0>2}-{d:0>2}", .{ @as(u64, @intCast(year)), @as(u64, @intCast(month)), @as(u64, @intCast(day)) });
    if (kind == .date) return;
    const seconds: u64 = @intCast(@mod(value, 86_400));
    try out.print("T{d:0>2}:{d:0>2}:{d:0>2}", .{ seconds / 3600, seconds / 60 % 60, seconds % 60 });
}

/// Put what was written since the length was `mark` in quotation marks, if it needs them (RFC 4180).
fn quoteFrom(out: *Buffer, mark: usize, separator: u8) error{OutOfMemory}!void {
    const value = out.items()[mark..];
    var quotes: usize = 0;
    var is_plain = true;
    for (value) |byte| {
        quotes += @intFromBool(byte == '"');
        if (byte == '"' or byte == separator or byte == '\r' or byte == '\n') is_plain = false;
    }
    if (is_plain) return;
    const length = value.len;
    try out.reserve(quotes + 2);
    out.list.items.len += quotes + 2;
    const all = out.items()[mark..];
    var to = all.len - 1;
    all[to] = '"';
    var from = length;
    while (from > 0) {
        from -= 1;
        to -= 1;
        all[to] = all[from];
        if (all[from] == '"') {
            to -= 1;
            all[to] = '"';
        }
    }
    all[0] = '"';
}
