//! The conversion of a stream of records from any format to any other, a piece of input at a time.
//! The caller reads and writes files; a `Converter` takes bytes and gives bytes. A record that
//! cannot be read or written costs that record: it is reported, its half-written output is taken
//! back, and the next call goes on behind it.

const std = @import("std");
const cpu = @import("cpu.zig");
const flat = @import("flat.zig");
const iso2709 = @import("iso2709.zig");
const json_direct = @import("json_direct.zig");
const json_reader = @import("json_reader.zig");
const json_writer = @import("json_writer.zig");
const line = @import("line.zig");
const lines = @import("lines.zig");
const marc8 = @import("marc8.zig");
const mend = @import("mend.zig");
const marcxml_reader = @import("marcxml_reader.zig");
const marcxml_writer = @import("marcxml_writer.zig");
const mrk = @import("mrk.zig");
const normalize = @import("normalize.zig");
const plan_module = @import("plan.zig");
const record_module = @import("record.zig");
const salvage_module = @import("salvage.zig");
const scan = @import("scan.zig");
const seq = @import("seq.zig");
const strict = @import("strict.zig");
const utf8 = @import("utf8.zig");
const Plan = plan_module.Plan;
const Walk = @import("walk.zig").Walk;
const problem_module = @import("problem.zig");
const Buffer = @import("buffer.zig").Buffer;
const Description = @import("description.zig").Description;
const Error = problem_module.Error;
const Problem = problem_module.Problem;
const Record = record_module.Record;
const Resync = record_module.Resync;
const Salvage = salvage_module.Salvage;
const Step = record_module.Step;

pub const Format = enum(u32) {
    marc = 0,
    marcxml = 1,
    json = 2,
    jsonl = 3,
    marcjson = 4,
    mrk = 5,
    flat = 6,
    // As pymarc writes them; only to be written, one record after the other.
    pymarc_xml = 7,
    pymarc_json = 8,
    pymarc_json_compact = 9,
    /// What a plan wants of each record: see `Plan.writeRow`.
    rows = 10,
    /// What the records hold, told at the end: see `Description.write`.
    description = 11,
    /// Aleph sequential.
    seq = 12,
    /// As yaz-marcdump prints records; only to be written.
    line = 13,

    /// The record is written just as it is: no field is dropped because its text is decoded now.
    pub fn isVerbatim(self: Format) bool {
        return switch (self) {
            .flat, .pymarc_xml, .pymarc_json, .pymarc_json_compact, .rows, .description => true,
            .marc, .marcxml, .json, .jsonl, .marcjson, .mrk, .seq, .line => false,
        };
    }

    pub fn isReadable(self: Format) bool {
        return switch (self) {
            .marc, .marcxml, .json, .jsonl, .marcjson, .mrk, .seq, .flat => true,
            .pymarc_xml, .pymarc_json, .pymarc_json_compact, .rows, .description, .line => false,
        };
    }

    /// Whether a line is a field, and has a number that problems tell.
    pub fn hasLines(self: Format) bool {
        return self == .mrk or self == .seq;
    }
};

/// How the text of an ISO 2709 record is encoded. `kept`: on reading as leader/09 says, on writing
/// as it was read.
pub const Encoding = enum(u32) { kept = 0, utf8 = 1, marc8 = 2, bytes = 3 };

pub const Options = struct {
    source: Format,
    target: Format,
    source_encoding: Encoding = .kept,
    target_encoding: Encoding = .kept,
    unmappable: marc8.Unmappable = .@"error",
    /// Read `&#xXXXX;` in MARC-8 as the character it names.
    references: bool = false,
    replace_forbidden: bool = false,
    /// Written for bytes that are no text; null reports them.
    replacement: ?u21 = null,
    /// Save what can be told of damaged ISO 2709 records, and of text that is not what it should be.
    is_lenient: bool = false,
    /// One record by itself: no collection around it.
    is_single: bool = false,
    /// Records from the middle of a collection: nothing around them, but what stands between two
    /// is written before each.
    is_part: bool = false,
    /// What records are held to. Lenient work takes others all the same, and tells.
    level: strict.Level = .structural,
    /// The form of Unicode text that is written, as far as it is records.
    normalization: normalize.Form = .none,
    /// A record that is read may be no longer.
    record_max: usize = record_module.record_max_default,
    /// Which records are wanted, and what of them. It outlives the work.
    plan: ?*Plan = null,
    /// Offset in the source of the first byte.
    position: u64 = 0,
    /// The end comes behind so many records that are written.
    written_max: u64 = std.math.maxInt(u64),
    /// Records in front of the first one, where what is written has numbers.
    records_before: u64 = 0,

    /// A walk through the source, from here on.
    pub fn walk(self: Options, position: u64) Walk {
        return .{
            .position = position,
            .is_lenient = self.is_lenient,
            .validation = .{ .level = self.level, .is_utf8 = self.source_encoding == .utf8, .record_max = self.record_max },
        };
    }
};

pub const Status = enum(u32) {
    /// All that could be read of the input was; more of it is needed.
    need_input = 0,
    /// Enough output for one call: take it and call again with what was not consumed.
    output = 1,
    /// One record was lost, `problem` says why. Call again with what was not consumed.
    /// The same for each thing that was wrong with a record that was written, as `problem` says.
    problem = 2,
    /// The input has ended and the output is complete.
    done = 3,
};

/// A call returns when it has this much output, so that none takes long.
const output_target = 1 << 18;

pub const Counts = extern struct {
    records_read: u64 = 0,
    records_written: u64 = 0,
    /// Characters that became U+FFFD, a reference or a fill character, as asked for.
    characters_replaced: u64 = 0,
    /// Bytes that belong to no record that was read, white space and markup not counted.
    bytes_skipped: u64 = 0,
    /// Of ISO 2709: line ends and byte order marks between records.
    bytes_between: u64 = 0,
    /// Records that were read and are not wanted.
    records_left_out: u64 = 0,
};

pub const Converter = struct {
    gpa: std.mem.Allocator,
    options: Options,
    record: Record,
    out: Buffer,
    /// The fields in MARC-8, or in another form of Unicode, and where each ends.
    encoded: Buffer,
    ends: std.ArrayList(u32) = .empty,
    decoder: marc8.Decoder,
    encoder: marc8.Encoder,
    normalizer: normalize.Normalizer,
    xml: marcxml_reader.Reader,
    json: json_reader.Reader,
    lines: lines.Reader,
    problem: Problem = .{},
    counts: Counts = .{},
    /// Offset in the stream of the input's first byte.
    position: u64 = 0,
    /// The same of the record at hand.
    begins: u64 = 0,
    /// Records begun, good and bad.
    begun: u64 = 0,
    is_started: bool = false,
    is_done: bool = false,
    /// In a text format: a byte order mark can no longer come.
    is_behind_mark: bool = false,
    /// The way through ISO 2709.
    walk: Walk = .{},
    /// In a text format: behind a record that could not be read, looking for the next; or before one
    /// that is too long, of which `over` bytes are to be left out first. That may be all of it.
    lost: enum { no, begun, on, over, over_all } = .no,
    over: usize = 0,
    /// The sound ISO 2709 record just read, to be copied where nothing is to change.
    raw: ?[]const u8 = null,
    /// The record just read is written already.
    is_written: bool = false,
    /// Places in the record that is written so.
    marks: std.ArrayList(u32) = .empty,
    /// What the text of the record just read was encoded in.
    encoding: Encoding = .utf8,
    salvage: Salvage,
    /// How many of the salvage's problems have been reported.
    told: usize = 0,
    /// The record's bytes, and behind them the fields that were mended.
    mended: Buffer,
    mends: std.ArrayList(Mend) = .empty,
    scratch: plan_module.Scratch,
    description: Description,

    /// Where a mended field begins, and where in the record the field did.
    const Mend = struct { start: u32, source: u32 };

    /// Made in place: the readers hold pointers into it.
    pub fn init(self: *Converter, gpa: std.mem.Allocator, options: Options) void {
        self.* = .{
            .gpa = gpa,
            .options = options,
            .walk = options.walk(options.position),
            .position = options.position,
            .salvage = .{ .gpa = gpa, .record_max = options.record_max },
            .record = .init(gpa),
            .out = .{ .gpa = gpa },
            .encoded = .{ .gpa = gpa },
            .mended = .{ .gpa = gpa },
            .scratch = .init(gpa),
            .description = .init(gpa),
            .decoder = .{ .gpa = gpa, .replacement = options.replacement, .references = options.references },
            .encoder = .{ .gpa = gpa, .unmappable = options.unmappable, .is_lenient = options.is_lenient },
            .normalizer = .{ .gpa = gpa, .form = options.normalization },
            .xml = .{ .gpa = gpa, .problem = &self.problem },
            .json = .{ .problem = &self.problem },
            .lines = .{
                .gpa = gpa,
                .problem = &self.problem,
                .damages = if (options.is_lenient) &self.salvage.problems else null,
                .mended = .{ .gpa = gpa },
            },
        };
    }

    pub fn deinit(self: *Converter) void {
        self.record.deinit();
        self.out.deinit();
        self.encoded.deinit();
        self.ends.deinit(self.gpa);
        self.marks.deinit(self.gpa);
        self.mended.deinit();
        self.mends.deinit(self.gpa);
        self.scratch.deinit();
        self.description.deinit();
        self.decoder.deinit();
        self.salvage.deinit();
        self.encoder.deinit();
        self.normalizer.deinit();
        self.xml.deinit();
        self.lines.deinit();
        self.* = undefined;
    }

    /// Begin another stream, keeping the memory.
    pub fn restart(self: *Converter) void {
        self.counts = .{};
        self.position = self.options.position;
        self.begun = 0;
        self.is_started = false;
        self.is_done = false;
        self.is_behind_mark = false;
        self.walk = self.options.walk(self.options.position);
        self.forget();
        self.lost = .no;
        self.description.clear();
        self.xml.restart();
        self.lines.number = 1;
        self.json = .{ .problem = &self.problem };
    }

    /// Convert what can be converted of `data`, the input from `position` on. `consumed` tells how
    /// much of it is done with; the output, good until the next call, is in `out`.
    pub fn feed(self: *Converter, data: []const u8, final: bool, consumed: *usize) error{OutOfMemory}!Status {
        self.out.clear();
        return self.go(data, final, output_target, consumed);
    }

    /// The same, but what is already in `out` stays there, and it stops when that has `enough` bytes.
    pub fn go(self: *Converter, data: []const u8, final: bool, enough: usize, consumed: *usize) error{OutOfMemory}!Status {
        self.problem.clear();
        consumed.* = 0;
        defer {
            self.position += consumed.*;
            self.counts.characters_replaced += self.decoder.replaced + self.encoder.substituted;
            self.decoder.replaced = 0;
            self.encoder.substituted = 0;
        }
        if (self.tell()) return .problem;
        if (self.is_done) return .done;
        if (!self.is_started) {
            self.is_started = true;
            try self.out.append(self.opening());
        }
        while (self.out.length() < enough) {
            if (self.counts.records_written >= self.options.written_max) return self.finish();
            const offset = consumed.*;
            self.forget();
            self.begins = self.position + offset;
            const step = self.next(data[offset..], final) catch |err| switch (err) {
                error.OutOfMemory => return error.OutOfMemory,
                error.Problem => {
                    // A sound record whose text is not: the walk is already behind it.
                    const behind: usize = @intCast(self.walk.position -| (self.position + offset));
                    consumed.* += behind;
                    self.counts.bytes_skipped += behind;
                    self.forget();
                    if (self.options.source == .marc) self.problem.setControlNumber(iso2709.controlNumber(data[offset..]));
                    return self.report(data, offset);
                },
            };
            switch (step) {
                .need_more => return if (self.out.length() > 0) .output else .need_input,
                .skip => |count| {
                    consumed.* += count;
                    if (self.options.source.hasLines()) self.lines.skip(data[offset..][0..count]);
                },
                .end => return self.finish(),
                .record => |length| {
                    defer self.lines.endRecord();
                    self.counts.records_read += 1;
                    if (!try self.isWanted()) {
                        consumed.* += length;
                        self.begun += 1;
                        self.counts.records_left_out += 1;
                        if (self.tell()) return .problem;
                        continue;
                    }
                    const written = if (self.is_written) {} else self.writeMended();
                    consumed.* += length;
                    written catch |err| switch (err) {
                        error.OutOfMemory => return error.OutOfMemory,
                        error.Problem => {
                            self.forget();
                            if (self.controlNumber()) |number| self.problem.setControlNumber(number);
                            return self.report(data, offset);
                        },
                    };
                    self.begun += 1;
                    self.counts.records_written += 1;
                    if (self.tell()) return .problem;
                },
            }
        }
        return .output;
    }

    fn finish(self: *Converter) error{OutOfMemory}!Status {
        self.is_done = true;
        if (self.options.target == .description) try self.description.write(&self.out);
        try self.out.append(self.closing());
        return .done;
    }

    /// Whether the plan wants the record that `data` is, all of it, with this number and offset in its
    /// source. One that cannot be read is not wanted.
    pub fn wants(self: *Converter, data: []const u8, number: u64, offset: u64) error{OutOfMemory}!bool {
        self.restart();
        self.begun = number -| 1;
        self.begins = offset;
        const step = self.next(data, true) catch |err| return if (err == error.OutOfMemory) error.OutOfMemory else false;
        return step == .record and try self.isWanted();
    }

    fn next(self: *Converter, data: []const u8, final: bool) Error!Step {
        if (self.options.source == .marc) return self.nextMarc(data, final);
        const seen_max = record_module.sightOf(self.options.record_max);
        const seen = data[0..@min(data.len, seen_max)];
        const is_final = final and seen.len == data.len;
        const is_lost = self.lost != .no;
        const step = if (is_lost) self.findNext(seen, is_final) else self.readNext(seen, is_final) catch |err| {
            self.lost = .begun;
            return err;
        };
        const length = switch (step) {
            .record => |length| if (length <= self.options.record_max) return step else length,
            .need_more => if (seen.len < seen_max) return step else seen_max,
            .skip, .end => return step,
        };
        self.lost = if (length < seen_max) .over_all else .over;
        self.over = @min(length, seen_max - 1);
        if (is_lost) return self.findNext(seen, is_final);
        return record_module.setTooLong(&self.problem, data, self.options.record_max);
    }

    /// Where no line was told, the record's first is meant.
    fn placeLine(self: *const Converter, problem: *Problem) void {
        if (self.options.source.hasLines() and problem.line == 0) problem.line = self.lines.number;
    }

    fn report(self: *Converter, data: []const u8, offset: usize) Status {
        self.problem.look(data[offset..]);
        self.placeLine(&self.problem);
        self.problem.records_before = self.begun;
        self.problem.byte_offset = self.position + offset;
        self.begun += 1;
        return .problem;
    }

    /// Bring on the next thing that was wrong with the last record.
    fn tell(self: *Converter) bool {
        if (self.told == self.salvage.problems.items.len) return false;
        self.problem = self.salvage.problems.items[self.told];
        self.told += 1;
        return true;
    }

    /// What was wrong with the last record is told, or does not matter any more.
    fn forget(self: *Converter) void {
        self.salvage.problems.clearRetainingCapacity();
        self.told = 0;
        self.mends.clearRetainingCapacity();
    }

    /// Place what was found wrong with the record at hand.
    fn placeProblems(self: *Converter) void {
        for (self.salvage.problems.items) |*problem| {
            problem.records_before = self.begun;
            problem.byte_offset = self.begins;
            self.placeLine(problem);
            if (self.controlNumber()) |number| problem.setControlNumber(number);
        }
    }

    fn controlNumber(self: *const Converter) ?[]const u8 {
        return std.mem.trim(u8, self.find("001") orelse return null, " ");
    }

    fn opening(self: *const Converter) []const u8 {
        if (self.options.is_single or self.options.is_part) return "";
        return switch (self.options.target) {
            .marcxml => marcxml_writer.collection_start,
            .json => "[",
            else => "",
        };
    }

    fn closing(self: *const Converter) []const u8 {
        if (self.options.is_single or self.options.is_part) return "";
        return switch (self.options.target) {
            .marcxml => marcxml_writer.collection_end,
            .json => "\n]\n",
            else => "",
        };
    }

    fn isWanted(self: *Converter) error{OutOfMemory}!bool {
        const plan = self.options.plan orelse return true;
        return plan.wants(&self.scratch, self.subject());
    }

    fn subject(self: *const Converter) plan_module.Subject {
        return .{ .record = &self.record, .number = self.begun + 1, .offset = self.begins };
    }

    // ---- reading

    fn readNext(self: *Converter, data: []const u8, final: bool) Error!Step {
        const is_text = self.options.source != .flat;
        if (is_text and !self.is_behind_mark and data.len > 0) {
            const mark = "\u{feff}";
            if (!final and data.len < mark.len and std.mem.startsWith(u8, mark, data)) return .need_more;
            self.is_behind_mark = true;
            if (std.mem.startsWith(u8, data, mark)) return .{ .skip = mark.len };
        }
        const step: Step = try switch (self.options.source) {
            .marcxml => self.xml.next(data, final, &self.record),
            .json, .jsonl, .marcjson => self.json.next(data, final, &self.record),
            .mrk => self.lines.next(mrk, data, final, &self.record),
            .seq => self.lines.next(seq, data, final, &self.record),
            .flat => self.readFlat(data, final),
            .marc, .pymarc_xml, .pymarc_json, .pymarc_json_compact, .rows, .description, .line => unreachable,
        };
        // Text formats are Unicode whatever their leader says.
        if (is_text and step == .record) {
            self.record.leader[9] = 'a';
            try self.validateText();
        }
        return step;
    }

    fn readFlat(self: *Converter, data: []const u8, final: bool) Error!Step {
        if (data.len == 0) return if (final) .end else .need_more;
        const length = try flat.read(data, &self.record, &self.problem) orelse {
            if (!final) return .need_more;
            return self.problem.set(.truncated_record, 0, "", "the record has no terminator 1D", .{});
        };
        if (self.options.target_encoding != .bytes or !self.takesBytes()) if (utf8.indexOfInvalid(data[0..length])) |at| {
            return self.problem.set(.utf8_invalid, at, data[at..@min(at + 4, length)], "the text is not UTF-8", .{});
        };
        const is_utf8 = self.record.leader[9] == 'a';
        self.encoding = if (is_utf8) .utf8 else .marc8;
        return .{ .record = length };
    }

    fn nextMarc(self: *Converter, data: []const u8, final: bool) Error!Step {
        self.raw = null;
        self.is_written = false;
        const step = self.walk.next(data, final, &self.problem) catch |err|
            if (self.options.is_lenient) try self.walk.next(data, final, &self.problem) else return err;
        const frame = switch (step) {
            .record => |frame| frame,
            .gap => |length| {
                self.counts.bytes_between += length;
                return .{ .skip = length };
            },
            .damage => |length| {
                if (self.options.is_lenient) return self.save(data[0..length]);
                self.counts.bytes_skipped += length;
                return .{ .skip = length };
            },
            .need_more => return .need_more,
            .end => return .end,
        };
        const declared: Encoding = if (data[9] == 'a') .utf8 else .marc8;
        self.encoding = if (self.options.source_encoding == .kept) declared else self.options.source_encoding;
        const is_kept = !self.isNormalized() or scan.isAscii(data[0..frame.length]);
        if (frame.is_canonical and self.encoding == declared and is_kept) self.raw = data[0..frame.length];
        const is_as_it_came = self.isCopied() and self.options.level == .structural;
        if (is_as_it_came and self.options.plan == null) {
            // Nobody will look at its fields.
            self.record.reset();
            return .{ .record = frame.length };
        }
        if (is_kept and self.isDirect(data, frame) and try self.writeDirectly(data, frame)) {
            self.is_written = true;
            self.record.reset();
            return .{ .record = frame.length };
        }
        // What no column and no filter asks for need not be read.
        const is_part_enough = is_as_it_came or self.options.target == .rows;
        const wanted = if (!is_part_enough) null else if (self.options.plan) |plan| &plan.reads else null;
        // Whatever is found there, the whole is written as it came.
        const raw, const encoding = .{ self.raw, self.encoding };
        defer if (is_as_it_came) {
            self.raw, self.encoding = .{ raw, encoding };
        };
        try iso2709.read(data, frame, &self.record, wanted);
        switch (self.encoding) {
            .utf8, .kept => self.record.leader[9] = 'a',
            .marc8 => if (declared == .utf8) {
                self.record.leader[9] = ' ';
            },
            .bytes => {},
        }
        // Text that is decoded says itself what is wrong with it.
        if (self.options.is_lenient) try self.validate(.of(data, frame, self.isCopied() and self.encoding == .utf8));
        if (!self.isCopied() or self.options.plan != null) try self.decodeText(frame);
        self.placeProblems();
        return .{ .record = frame.length };
    }

    /// What can be told of a damaged record.
    fn save(self: *Converter, damaged: []const u8) Error!Step {
        const is_saved = try self.salvage.save(damaged, &self.record);
        const problems = self.salvage.problems.items;
        if (!is_saved) {
            self.problem = problems[problems.len - 1];
            self.forget();
            return error.Problem;
        }
        // The salvage has found all fields and nothing to tell: then what a strict reader reports.
        if (problems.len == 0) _ = iso2709.check(damaged, true, &self.problem) catch {
            self.problem.look(damaged);
            self.problem.become(.salvaged);
            try self.salvage.problems.append(self.gpa, self.problem);
        };
        const declared: Encoding = if (self.record.leader[9] == 'a') .utf8 else .marc8;
        self.encoding = if (self.options.source_encoding == .kept) declared else self.options.source_encoding;
        if (self.encoding != .bytes) self.record.leader[9] = if (self.encoding == .utf8) 'a' else ' ';
        try self.validate(.ofRecord(&self.record));
        try self.decodeText(null);
        self.placeProblems();
        return .{ .record = damaged.len };
    }

    /// Report the first fault of a record, or note them all where the work is lenient.
    fn validate(self: *Converter, begun: strict.Judge) Error!void {
        if (self.options.level == .structural) return;
        var judge = begun;
        while (true) {
            judge.next(&self.problem) catch {
                if (!self.options.is_lenient) return error.Problem;
                try self.noteText(.warning);
                continue;
            };
            return;
        }
    }

    /// The same for a record of a text format, where no bytes are those of ISO 2709.
    fn validateText(self: *Converter) Error!void {
        errdefer self.problem.offset_in_record = 0;
        const known = self.salvage.problems.items.len;
        try self.validate(.ofRecord(&self.record));
        for (self.salvage.problems.items[known..]) |*problem| problem.offset_in_record = 0;
        self.placeProblems();
    }

    /// Nothing is to change: the record's own bytes are what would be written.
    fn isCopied(self: *const Converter) bool {
        const keeps = self.options.target_encoding == .kept or self.options.target_encoding == self.encoding;
        return self.raw != null and self.options.target == .marc and keeps;
    }

    /// Text that is just bytes can be written as it is. All other targets need UTF-8.
    fn takesBytes(self: *const Converter) bool {
        const encoding = self.options.target_encoding;
        return switch (self.options.target) {
            .flat => true,
            .marc => encoding == .kept or encoding == .bytes,
            else => false,
        };
    }

    /// Whether text is written in a form that is asked for. MARC-8 has one of its own, and what is just
    /// bytes has none.
    fn isNormalized(self: *const Converter) bool {
        if (self.options.normalization == .none) return false;
        const encoding = self.options.target_encoding;
        return switch (self.options.target) {
            .marc => encoding == .utf8 or (encoding == .kept and self.encoding == .utf8),
            .flat => encoding != .bytes and self.encoding != .bytes,
            .rows, .description => false,
            .marcxml, .json, .jsonl, .marcjson, .mrk, .seq, .line, .pymarc_xml, .pymarc_json, .pymarc_json_compact => true,
        };
    }

    /// Bring the text of the fields into UTF-8. The frame is that of a sound record.
    fn decodeText(self: *Converter, frame: ?iso2709.Frame) Error!void {
        const record = &self.record;
        if (self.encoding == .bytes and self.takesBytes()) return;
        const is_canonical = if (frame) |known| known.is_canonical else false;
        const is_valid = is_canonical and self.encoding != .marc8 and utf8.indexOfInvalid(record.bytes) == null;
        if (!is_valid and self.options.is_lenient and self.options.source_encoding == .kept) try self.seeThroughLeader();
        // Most targets find such fields themselves. The flat form takes them, and so may ISO 2709.
        const is_looked_at = self.options.is_lenient and (!is_valid or self.options.target == .flat or self.isNormalized());
        const is_regular = if (frame) |known| is_looked_at and iso2709.isRegular(record.bytes, known) else false;
        const is_mended = is_looked_at and !is_regular and try self.mendFields();
        switch (self.encoding) {
            .utf8, .kept, .bytes => {
                // Where fields might overlap, each must be valid by itself.
                if (is_valid and !is_mended) return;
                if (self.options.replacement == null) for (record.fields.items) |field| {
                    const content = record.content(field);
                    const at = utf8.indexOfInvalid(content) orelse continue;
                    self.problem.set(.utf8_invalid, field.start + at, content[at..@min(at + 4, content.len)], "the text is not UTF-8, which leader/09 says it is", .{}) catch {};
                    self.problem.setTag(field.tag);
                    if (!self.options.is_lenient) return error.Problem;
                    try self.noteText(.salvaged);
                };
            },
            .marc8 => {
                self.decoder.setDefaults(self.find("066"));
                if (self.decoder.isPlain(record.bytes)) return;
            },
        }
        var kept: usize = 0;
        for (record.fields.items) |field| {
            const content = record.content(field);
            const start: u32 = @intCast(record.text.length());
            if (self.encoding == .marc8) {
                const is_control = record_module.isControlTag(field.tag);
                self.decoder.decodeContent(&record.text, content, is_control, field.start, &self.problem) catch |err| {
                    if (err == error.Problem) self.problem.setTag(field.tag);
                    if (err != error.Problem or !self.options.is_lenient) return err;
                    try self.noteText(.salvaged);
                    record.text.shrink(start);
                    self.decoder.replacement = 0xfffd;
                    defer self.decoder.replacement = self.options.replacement;
                    self.decoder.decodeContent(&record.text, content, is_control, field.start, &self.problem) catch |again| {
                        if (again != error.Problem) return again;
                        // Its indicators or codes are no text: the field cannot be told.
                        record.text.shrink(start);
                        continue;
                    };
                };
            } else {
                try self.appendReplacing(content);
            }
            record.fields.items[kept] = .{ .tag = field.tag, .start = start, .end = @intCast(record.text.length()) };
            kept += 1;
        }
        record.fields.shrinkRetainingCapacity(kept);
        record.seal();
    }

    /// Put down what is wrong with the text of a record that is read all the same.
    fn noteText(self: *Converter, outcome: problem_module.Outcome) error{OutOfMemory}!void {
        const problems = &self.salvage.problems;
        if (problems.items.len >= salvage_module.problems_max) return;
        self.problem.look(self.record.bytes);
        self.problem.become(outcome);
        for (self.mends.items) |one| if (self.problem.offset_in_record >= one.start) {
            self.problem.offset_in_record = one.source;
        };
        for (problems.items) |*known| if (known.code == self.problem.code and known.offset_in_record == self.problem.offset_in_record) {
            return known.become(outcome); // told before it was mended
        };
        try problems.append(self.gpa, self.problem);
    }

    /// Where leader/09 is not true of any of the text, take the other encoding.
    fn seeThroughLeader(self: *Converter) Error!void {
        const record = &self.record;
        if (scan.isAscii(record.bytes)) return;
        var valid: usize = 0;
        var invalid: usize = 0;
        var first: ?record_module.Field = null;
        for (record.fields.items) |field| {
            const content = record.content(field);
            if (scan.isAscii(content)) {
                // An escape sequence is MARC-8 whatever else there is.
                if (std.mem.indexOfScalar(u8, content, 0x1b) != null) invalid += 1;
                continue;
            }
            if (first == null) first = field;
            if (utf8.indexOfInvalid(content) == null) valid += 1 else invalid += 1;
        }
        const field = first orelse return;
        const is_lie = switch (self.encoding) {
            .utf8 => valid == 0 and try self.isMarc8(),
            .marc8 => invalid == 0,
            else => false,
        };
        if (!is_lie) return;
        const content = record.content(field);
        const at = scan.indexOfHigh(content);
        const found = content[at..@min(at + 4, content.len)];
        if (self.encoding == .utf8) {
            self.problem.set(.utf8_invalid, field.start + at, found, "leader/09 says that the text is UTF-8; it is read as MARC-8, which it is", .{}) catch {};
            self.encoding = .marc8;
            record.leader[9] = ' ';
        } else {
            self.problem.set(.marc8_invalid, field.start + at, found, "leader/09 says that the text is MARC-8; it is read as UTF-8, which it is", .{}) catch {};
            self.encoding = .utf8;
            record.leader[9] = 'a';
        }
        self.problem.setTag(field.tag);
        self.raw = null;
        try self.noteText(.warning);
    }

    /// Whether all of the text can be MARC-8.
    fn isMarc8(self: *Converter) error{OutOfMemory}!bool {
        const record = &self.record;
        defer record.text.clear();
        self.decoder.setDefaults(self.find("066"));
        for (record.fields.items) |field| {
            const is_control = record_module.isControlTag(field.tag);
            self.decoder.decodeContent(&record.text, record.content(field), is_control, field.start, &self.problem) catch |err| switch (err) {
                error.OutOfMemory => return error.OutOfMemory,
                error.Problem => return false,
            };
        }
        return true;
    }

    fn appendReplacing(self: *Converter, content: []const u8) Error!void {
        var rest = content;
        while (utf8.indexOfInvalid(rest)) |at| {
            try self.record.append(rest[0..at]);
            try self.record.text.appendCharacter(self.options.replacement orelse 0xfffd);
            self.counts.characters_replaced += 1;
            rest = rest[at + 1 ..];
        }
        try self.record.append(rest);
    }

    fn find(self: *const Converter, tag: *const record_module.Tag) ?[]const u8 {
        for (self.record.fields.items) |field| {
            if (std.mem.eql(u8, &field.tag, tag)) return self.record.content(field);
        }
        return null;
    }

    /// Behind damage: leave out what cannot be read, up to where the next record may begin.
    fn findNext(self: *Converter, data: []const u8, final: bool) Step {
        if (self.lost == .over or self.lost == .over_all) {
            self.lost = if (self.lost == .over) .on else .no;
            const skip = @min(self.over, data.len);
            self.counts.bytes_skipped += skip;
            return .{ .skip = skip };
        }
        // Where the damaged record itself begins the next one cannot.
        const from: usize = @intFromBool(self.lost == .begun and data.len > 0);
        const sync: Resync = switch (self.options.source) {
            .marcxml => self.xml.resync(data, from, final),
            .json, .jsonl, .marcjson => self.json.resync(data, from, final),
            .mrk, .seq => |format| lost: {
                const length = if (format == .mrk) mrk.recordEnd(data, final) else seq.recordEnd(data, final);
                break :lost .{ .skip = length orelse 0, .found = length != null };
            },
            .flat => if (std.mem.indexOfScalar(u8, data, record_module.record_terminator)) |terminator|
                .{ .skip = terminator + 1, .found = true }
            else
                .{ .skip = data.len, .found = final },
            .marc, .pymarc_xml, .pymarc_json, .pymarc_json_compact, .rows, .description, .line => unreachable,
        };
        if (sync.found) self.lost = .no else if (sync.skip > 0) self.lost = .on;
        self.counts.bytes_skipped += sync.skip;
        return if (sync.skip > 0 or sync.found) .{ .skip = sync.skip } else .need_more;
    }

    /// Put fields right whose indicators or codes cannot be told, before their text is decoded.
    /// False when there are none.
    fn mendFields(self: *Converter) Error!bool {
        const record = &self.record;
        for (record.fields.items) |*field| {
            if (record_module.isControlTag(field.tag)) continue;
            const content = record.content(field.*);
            mend.check(content, &self.problem) catch {
                if (self.mends.items.len == 0) {
                    self.mended.clear();
                    try self.mended.append(record.bytes);
                }
                self.problem.offset_in_record = field.start;
                self.problem.setTag(field.tag);
                try self.noteText(.salvaged);
                const start: u32 = @intCast(self.mended.length());
                try self.mends.append(self.gpa, .{ .start = start, .source = field.start });
                try mend.write(&self.mended, content);
                field.* = .{ .tag = field.tag, .start = start, .end = @intCast(self.mended.length()) };
            };
        }
        if (self.mends.items.len == 0) return false;
        record.bytes = self.mended.items();
        return true;
    }

    // ---- writing

    /// Write the record, if need be with some fields put right.
    fn writeMended(self: *Converter) Error!void {
        return self.writeRecord() catch |err| {
            const is_mendable = self.options.is_lenient and self.options.source == .marc and self.mends.items.len == 0 and
                (self.problem.code == @backingInt(problem_module.Code.indicators_invalid) or
                    self.problem.code == @backingInt(problem_module.Code.subfield_code_invalid));
            if (err != error.Problem or !is_mendable or !try self.mendFields()) return err;
            self.placeProblems();
            return self.writeRecord();
        };
    }

    /// The record can be written without reading it, should there be nothing unusual in it.
    inline fn isDirect(self: *const Converter, data: []const u8, frame: iso2709.Frame) bool {
        return (self.options.target == .jsonl or self.options.target == .json) and self.encoding == .utf8 and
            self.options.plan == null and self.options.level == .structural and frame.is_canonical and data.len >= frame.length + json_direct.sight;
    }

    /// Do that, or give false.
    noinline fn writeDirectly(self: *Converter, data: []const u8, frame: iso2709.Frame) error{OutOfMemory}!bool {
        const target = self.options.target;
        const out = &self.out;
        const mark = out.length();
        errdefer out.shrink(mark);
        try self.marks.ensureTotalCapacity(self.gpa, json_direct.marksFor(frame.length));
        if (target == .json) try self.beginJson();
        const size = json_direct.roomFor(frame.length);
        try out.reserve(size);
        const room = out.list.allocatedSlice()[out.length()..][0..size];
        const written = cpu.writeJson(data, .{ .length = frame.length, .base_address = frame.base_address }, self.marks.allocatedSlice(), room);
        if (written == 0) {
            out.shrink(mark);
            return false;
        }
        out.list.items.len += written;
        if (target == .jsonl and !self.options.is_single) try out.byte('\n');
        return true;
    }

    /// What stands before a record in an array.
    fn beginJson(self: *Converter) error{OutOfMemory}!void {
        if (self.options.is_single) return;
        try self.out.append(if (self.counts.records_written == 0 and !self.options.is_part) "\n" else ",\n");
    }

    fn writeRecord(self: *Converter) Error!void {
        const mark = self.out.length();
        errdefer self.out.shrink(mark);
        // A record that is written in another encoding than it was read in needs no 066 any more.
        if (!self.options.target.isVerbatim() and self.encoding == .marc8 and !self.isCopied()) self.remove066();
        const out = &self.out;
        // The flat form may bring any leader.
        if ((!self.options.target.isVerbatim() or self.options.target == .rows) and !iso2709.isSoundLeader(&self.record.leader)) {
            return self.problem.set(.leader_invalid, 0, &self.record.leader, "the leader should be printable ASCII", .{});
        }
        if (self.isNormalized() and !self.isCopied()) try self.normalizeText();
        switch (self.options.target) {
            .marc => try self.writeMarc(),
            .marcxml => if (self.options.is_single) try self.writeXml(.single) else try self.writeXml(.in_collection),
            .pymarc_xml => try self.writeXml(.pymarc),
            .json => {
                try self.beginJson();
                try json_writer.write(.marc_in_json, out, &self.record, &self.problem);
            },
            inline .jsonl, .marcjson => |target| {
                try json_writer.write(if (target == .jsonl) .marc_in_json else .marcjson, out, &self.record, &self.problem);
                if (!self.options.is_single) try out.byte('\n');
            },
            .pymarc_json => try json_writer.write(.pymarc, out, &self.record, &self.problem),
            .pymarc_json_compact => try json_writer.write(.pymarc_compact, out, &self.record, &self.problem),
            .mrk => try mrk.write(out, &self.record, &self.problem),
            .seq => try seq.write(out, &self.record, self.options.records_before + self.begun + 1, &self.problem),
            .line => try line.write(out, &self.record, &self.problem),
            .flat => try flat.write(out, &self.record, &self.problem),
            .rows => if (self.options.plan) |plan| try plan.writeRow(&self.scratch, self.subject(), out),
            .description => try self.description.add(&self.record),
        }
    }

    fn writeXml(self: *Converter, comptime form: marcxml_writer.Form) Error!void {
        var writer: marcxml_writer.Writer = .{ .out = &self.out, .problem = &self.problem, .replace_forbidden = self.options.replace_forbidden };
        try writer.record(form, &self.record);
        self.counts.characters_replaced += writer.replaced;
    }

    fn writeMarc(self: *Converter) Error!void {
        if (self.isCopied()) return self.out.append(self.raw.?);
        const target = if (self.options.target_encoding == .kept) self.encoding else self.options.target_encoding;
        switch (target) {
            .utf8, .kept => self.record.leader[9] = 'a',
            .marc8 => {
                if (self.record.leader[9] == 'a') self.record.leader[9] = ' ';
                try self.encodeText();
            },
            .bytes => {},
        }
        try iso2709.write(&self.out, &self.record, &self.problem);
    }

    /// Bring the text of the fields into the form that is asked for; indicators and codes stay.
    fn normalizeText(self: *Converter) error{OutOfMemory}!void {
        const record = &self.record;
        if (scan.isAscii(record.bytes)) return;
        const out = &self.encoded;
        out.clear();
        for (record.fields.items) |*field| {
            const content = record.content(field.*);
            const start: u32 = @intCast(out.length());
            if (record_module.isControlTag(field.tag)) {
                try self.normalizer.append(out, content);
            } else {
                var subfields: record_module.Subfields = .init(content);
                try out.append(subfields.indicators);
                while (subfields.next()) |subfield| {
                    try out.byte(record_module.subfield_delimiter);
                    try out.append(subfield.code);
                    try self.normalizer.append(out, subfield.value);
                }
            }
            field.* = .{ .tag = field.tag, .start = start, .end = @intCast(out.length()) };
        }
        record.bytes = out.items();
    }

    fn remove066(self: *Converter) void {
        const fields = &self.record.fields;
        var kept: usize = 0;
        for (fields.items) |field| if (!std.mem.eql(u8, &field.tag, "066")) {
            fields.items[kept] = field;
            kept += 1;
        };
        fields.shrinkRetainingCapacity(kept);
    }

    /// A character in UTF-8, which is one byte of MARC-8 at least.
    const character_bytes_max = 4;

    /// Bring the text of the fields into MARC-8, and list its sets in a field 066.
    fn encodeText(self: *Converter) Error!void {
        const record = &self.record;
        self.remove066();
        self.encoder.used = .empty;
        self.encoded.clear();
        self.ends.clearRetainingCapacity();
        var left: usize = character_bytes_max * iso2709.record_length_max;
        for (record.fields.items) |field| {
            const content = record.content(field);
            left = std.math.sub(usize, left, content.len) catch
                return self.problem.set(.record_too_long, 0, "", "a record may have 99999 bytes in ISO 2709, this one has more", .{});
            const is_control = record_module.isControlTag(field.tag);
            self.encoder.encodeContent(&self.encoded, content, is_control, &self.problem) catch |err| {
                if (err == error.Problem) self.problem.setTag(field.tag);
                return err;
            };
            try self.ends.append(self.gpa, @intCast(self.encoded.length()));
        }
        // Only now: who reports a character that cannot be encoded looks into the fields as they were.
        var start: u32 = 0;
        for (record.fields.items, self.ends.items) |*field, end| {
            field.* = .{ .tag = field.tag, .start = start, .end = end };
            start = end;
        }
        try marc8.append066(&self.encoded, self.encoder.used);
        record.bytes = self.encoded.items();
        if (self.encoded.length() == start) return;
        const index = for (record.fields.items, 0..) |field, index| {
            if (std.mem.order(u8, &field.tag, "066") == .gt) break index;
        } else record.fields.items.len;
        try record.fields.insert(record.gpa, index, .{ .tag = "066".*, .start = start, .end = @intCast(self.encoded.length()) });
    }
};

const Outcome = struct {
    out: std.ArrayList(u8) = .empty,
    codes: std.ArrayList(u32) = .empty,

    fn deinit(self: *Outcome) void {
        self.out.deinit(std.testing.allocator);
        self.codes.deinit(std.testing.allocator);
    }
};

/// Convert `data`, shown `size` bytes at a time.
fn outcomeOf(options: Options, data: []const u8, size: usize) !Outcome {
    const gpa = std.testing.allocator;
    var converter: Converter = undefined;
    converter.init(gpa, options);
    defer converter.deinit();
    var result: Outcome = .{};
    errdefer result.deinit();
    var at: usize = 0;
    var shown = @min(size, data.len);
    while (true) {
        var consumed: usize = 0;
        const status = try converter.feed(data[at..shown], shown == data.len, &consumed);
        at += consumed;
        try result.out.appendSlice(gpa, converter.out.items());
        switch (status) {
            .need_input => shown = @min(shown + size, data.len),
            .output => {},
            .problem => try result.codes.append(gpa, converter.problem.code),
            .done => return result,
        }
    }
}

test "a byte order mark stands at the start, and only there" {
    const record = "{\"leader\":\"00000nam a22000007a 4500\",\"fields\":[]}\n";
    const mark = "\u{feff}";
    for ([_]struct { []const u8, usize }{ .{ mark ++ record, 0 }, .{ "\n" ++ mark ++ record, 1 }, .{ mark ++ mark ++ record, 1 } }) |case| {
        for (1..case[0].len + 1) |size| {
            var result = try outcomeOf(.{ .source = .json, .target = .jsonl }, case[0], size);
            defer result.deinit();
            try std.testing.expectEqual(case[1], result.codes.items.len);
            // Behind damage the record is found all the same.
            try std.testing.expectEqual(@as(usize, 1), std.mem.count(u8, result.out.items, "\n"));
        }
    }
}

test "bytes that are no UTF-8 are written only where bytes are asked for" {
    // The text ends inside a character.
    const sound = "00062nam a2200049 a 4500" ++ "001000300000" ++ "245000900003" ++ "\x1e" ++ "42\x1e" ++ "10\x1faOde\xf0\x1e" ++ "\x1d";
    for (std.enums.values(Format)) |target| for (std.enums.values(Encoding)) |encoding| {
        const is_taken = target == .flat or (target == .marc and (encoding == .kept or encoding == .bytes));
        var result = try outcomeOf(.{ .source = .marc, .target = target, .source_encoding = .bytes, .target_encoding = encoding }, sound, sound.len);
        defer result.deinit();
        if (is_taken) {
            try std.testing.expectEqual(@as(usize, 0), result.codes.items.len);
            try std.testing.expect(std.mem.indexOf(u8, result.out.items, "Ode\xf0") != null);
        } else {
            try std.testing.expectEqualSlices(u32, &.{@backingInt(problem_module.Code.utf8_invalid)}, result.codes.items);
        }
        var again = try outcomeOf(.{ .source = .flat, .target = target, .target_encoding = .bytes }, sound, sound.len);
        defer again.deinit();
        try std.testing.expectEqual(@intFromBool(target != .flat and target != .marc), again.codes.items.len);
    };
}

test "a leader that is not ASCII stays in the flat form" {
    const record = "00000nam\u{e9}22000007a 4500\x1e\x1d";
    for ([_]Format{ .marc, .marcxml, .json, .jsonl, .marcjson, .mrk, .seq, .line }) |target| {
        var result = try outcomeOf(.{ .source = .flat, .target = target, .is_single = true }, record, record.len);
        defer result.deinit();
        try std.testing.expectEqualSlices(u32, &.{@backingInt(problem_module.Code.leader_invalid)}, result.codes.items);
        try std.testing.expectEqualStrings("", result.out.items);
    }
}
