//! Locks and conditions of the system's own, and threads that leave signals to others.
//!
//! `std.Io.Mutex` would bring all of `std.Io` into the library, 200 KB for two locks.

const std = @import("std");
const builtin = @import("builtin");

pub const Mutex = if (builtin.os.tag == .windows) WindowsMutex else PosixMutex;
pub const Condition = if (builtin.os.tag == .windows) WindowsCondition else PosixCondition;

const PosixMutex = struct {
    raw: std.c.pthread_mutex_t = std.c.PTHREAD_MUTEX_INITIALIZER,

    pub fn lock(self: *PosixMutex) void {
        _ = std.c.pthread_mutex_lock(&self.raw);
    }

    pub fn unlock(self: *PosixMutex) void {
        _ = std.c.pthread_mutex_unlock(&self.raw);
    }

    pub fn deinit(self: *PosixMutex) void {
        _ = std.c.pthread_mutex_destroy(&self.raw);
    }
};

const PosixCondition = struct {
    raw: std.c.pthread_cond_t = std.c.PTHREAD_COND_INITIALIZER,

    pub fn wait(self: *PosixCondition, mutex: *PosixMutex) void {
        _ = std.c.pthread_cond_wait(&self.raw, &mutex.raw);
    }

    /// Wait for no longer than so many milliseconds; it may also return for no reason.
    pub fn waitFor(self: *PosixCondition, mutex: *PosixMutex, milliseconds: u32) void {
        var time: std.c.timespec = undefined;
        _ = std.c.clock_gettime(.REALTIME, &time);
        const nanoseconds = @as(u64, @intCast(time.nsec)) + @as(u64, milliseconds) * std.time.ns_per_ms;
        time.sec += @intCast(nanoseconds / std.time.ns_per_s);
        time.nsec = @intCast(nanoseconds % std.time.ns_per_s);
        _ = std.c.pthread_cond_timedwait(&self.raw, &mutex.raw, &time);
    }

    pub fn signal(self: *PosixCondition) void {
        _ = std.c.pthread_cond_signal(&self.raw);
    }

    pub fn broadcast(self: *PosixCondition) void {
        _ = std.c.pthread_cond_broadcast(&self.raw);
    }

    pub fn deinit(self: *PosixCondition) void {
        _ = std.c.pthread_cond_destroy(&self.raw);
    }
};

const windows = struct {
    const Word = extern struct { pointer: ?*anyopaque = null };
    extern "kernel32" fn AcquireSRWLockExclusive(lock: *Word) callconv(.winapi) void;
    extern "kernel32" fn ReleaseSRWLockExclusive(lock: *Word) callconv(.winapi) void;
    extern "kernel32" fn SleepConditionVariableSRW(condition: *Word, lock: *Word, milliseconds: u32, flags: u32) callconv(.winapi) i32;
    extern "kernel32" fn WakeConditionVariable(condition: *Word) callconv(.winapi) void;
    extern "kernel32" fn WakeAllConditionVariable(condition: *Word) callconv(.winapi) void;
    extern "kernel32" fn GetTickCount64() callconv(.winapi) u64;
    const forever = 0xffffffff;
};

const WindowsMutex = struct {
    raw: windows.Word = .{},

    pub fn lock(self: *WindowsMutex) void {
        windows.AcquireSRWLockExclusive(&self.raw);
    }

    pub fn unlock(self: *WindowsMutex) void {
        windows.ReleaseSRWLockExclusive(&self.raw);
    }

    pub fn deinit(_: *WindowsMutex) void {}
};

const WindowsCondition = struct {
    raw: windows.Word = .{},

    pub fn wait(self: *WindowsCondition, mutex: *WindowsMutex) void {
        _ = windows.SleepConditionVariableSRW(&self.raw, &mutex.raw, windows.forever, 0);
    }

    pub fn waitFor(self: *WindowsCondition, mutex: *WindowsMutex, milliseconds: u32) void {
        _ = windows.SleepConditionVariableSRW(&self.raw, &mutex.raw, milliseconds, 0);
    }

    pub fn signal(self: *WindowsCondition) void {
        windows.WakeConditionVariable(&self.raw);
    }

    pub fn broadcast(self: *WindowsCondition) void {
        windows.WakeAllConditionVariable(&self.raw);
    }

    pub fn deinit(_: *WindowsCondition) void {}
};

/// Nanoseconds of a clock that only goes on.
pub fn now() u64 {
    if (builtin.os.tag == .windows) return windows.GetTickCount64() * std.time.ns_per_ms;
    var time: std.c.timespec = undefined;
    _ = std.c.clock_gettime(.MONOTONIC, &time);
    return @as(u64, @intCast(time.sec)) * std.time.ns_per_s + @as(u64, @intCast(time.nsec));
}

/// Start a thread that no signal is delivered to: the host's handlers run in threads of the host's.
pub fn spawn(comptime function: anytype, arguments: anytype) std.Thread.SpawnError!std.Thread {
    const config: std.Thread.SpawnConfig = .{ .stack_size = 2 << 20 };
    if (builtin.os.tag == .windows) return std.Thread.spawn(config, function, arguments);
    var all: std.c.sigset_t = undefined;
    var before: std.c.sigset_t = undefined;
    _ = std.c.sigfillset(&all);
    _ = std.c.pthread_sigmask(std.c.SIG.SETMASK, &all, &before);
    defer _ = std.c.pthread_sigmask(std.c.SIG.SETMASK, &before, &all);
    return std.Thread.spawn(config, function, arguments);
}

/// Name the calling thread for debuggers; at most 15 characters.
pub fn nameThread(name: [:0]const u8) void {
    switch (builtin.os.tag) {
        .linux => _ = std.c.pthread_setname_np(std.c.pthread_self(), name),
        .macos => _ = std.c.pthread_setname_np(name),
        else => {},
    }
}
