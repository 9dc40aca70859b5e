import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * `node bench/cpu-share.ts SHARE COMMAND …` runs a command with a share of one CPU, from 0 to 1. Like CPU bandwidth control on
 * Lambda, it stops a process that has used its quota until the next 20 ms period. Linux only: it reads CPU times from /proc.
 */
const periodMs = 20;

const [share, command = '', ...args] = process.argv.slice(2);
const quotaMs = Number(share) * periodMs;
const child = spawn(command, args, { stdio: 'inherit' });
const ended = new Promise<number>((resolve) => {
  child.once('error', () => resolve(127));
  child.once('exit', (code) => resolve(code ?? 1));
});
if (quotaMs < periodMs) void limit(child.pid);
process.exitCode = await ended;

async function limit(pid: number | undefined): Promise<void> {
  let leftMs = quotaMs;
  let usedMs = 0;
  let nextPeriod = performance.now() + periodMs;
  while (child.exitCode === null && child.signalCode === null) {
    const now = performance.now();
    const totalMs = cpuMs(pid) ?? usedMs;
    leftMs -= totalMs - usedMs;
    usedMs = totalMs;
    for (; nextPeriod <= now; nextPeriod += periodMs) {
      // An overrun is deducted from the next period. Unused quota expires with its period.
      leftMs = Math.min(quotaMs, leftMs + quotaMs);
    }
    child.kill(leftMs > 0 ? 'SIGCONT' : 'SIGSTOP');
    await sleep(1, undefined, { ref: false });
  }
}

/** The CPU time of all threads of a process. */
function cpuMs(pid: number | undefined): number | undefined {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const nanoseconds = threads.map((id) => readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'utf8').split(' ')[0]);
    return nanoseconds.reduce((sum, used) => sum + Number(used), 0) / 1e6;
  } catch {
    // A thread ended after its folder was listed.
    return undefined;
  }
}
