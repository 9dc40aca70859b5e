import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'vite';
import { findChromium } from './chromium.ts';

const root = join(import.meta.dirname, '..', '..');
const source = join(root, 'console', 'page');

/** Builds the page before the first test if a source file is newer than the last build. */
export async function setup(): Promise<void> {
  if (!findChromium()) {
    throw new Error(
      'The browser tests need Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM_PATH to its path.',
    );
  }
  const built = await changedAt(join(root, 'dist', 'page', 'index.html'));
  const files = await readdir(source, { recursive: true });
  const times = await Promise.all(files.map((file) => changedAt(join(source, file))));
  if (built > Math.max(...times)) return;
  await build({ root: source, configFile: join(source, 'vite.config.ts'), logLevel: 'warn' });
}

async function changedAt(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  return found?.mtimeMs ?? 0;
}
