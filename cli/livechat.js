#!/usr/bin/env node
// Plain JavaScript, so that any Node version can start it. main.ts needs a Node that runs TypeScript: this one, or that of the `node` package.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { isatty } from 'node:tty';
import { fileURLToPath } from 'node:url';

const runsTypeScript = () => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 18);
};

const bundledNode = () => {
  try {
    const binary = join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin', 'node');
    return existsSync(binary) ? binary : undefined;
  } catch {
    return undefined;
  }
};

const node = runsTypeScript() ? process.execPath : bundledNode();
if (node === undefined) {
  console.error(
    `livechat needs Node 22.18 or newer, this is ${process.versions.node}. Install it, or run npm install here.`,
  );
  process.exit(1);
}

const main = fileURLToPath(new URL('main.ts', import.meta.url));
const options = ['--disable-warning=ExperimentalWarning', main, ...process.argv.slice(2)];
// Node keeps the compiled code there, which halves the time that a command takes to start.
const cache = fileURLToPath(new URL('../node_modules/.cache/compile', import.meta.url));
const env = { NODE_COMPILE_CACHE: cache, ...process.env };
const child = spawn(node, options, { stdio: 'inherit', env });

// stdin, stdout or stderr can be redirected to a pipe or a file.
const isInTerminal = [0, 1, 2].some(isatty);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    // The terminal sends Ctrl-C to the child too. A second signal would interrupt its clean-up.
    if (signal !== 'SIGINT' || !isInTerminal) child.kill(signal);
  });
}

child.on('error', (error) => {
  console.error(`livechat cannot start ${node}: ${error.message}`);
  process.exit(1);
});
child.on('exit', (code, signal) => {
  // Shells report 128 plus the signal number.
  process.exit(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
});
