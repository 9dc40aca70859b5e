import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { metrics } from '../core/platform/metrics.ts';
import packageJson from '../package.json' with { type: 'json' };
import { headingsOf, prose } from './markdown.ts';

const root = join(import.meta.dirname, '..');
const files = ['README.md', ...globSync('docs/**/*.md', { cwd: root })];
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const anchorsOf = (file: string) => headingsOf(file).map(({ anchor }) => anchor);

describe.each(files)('%s', (file) => {
  it('links to nothing that is not there', () => {
    const targets = [...prose(file).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
    const broken = targets.filter((target) => {
      if (/^https?:/.test(target)) return false;
      const [path = '', anchor] = target.split('#');
      const to = path ? relative(root, join(root, dirname(file), path)) : file;
      return !existsSync(join(root, to)) || (anchor !== undefined && !anchorsOf(to).includes(anchor));
    });
    expect(broken).toEqual([]);
  });

  it('calls npm scripts that there are', () => {
    const called = [...read(file).matchAll(/npm run ([\w:-]+)/g)].map(([, script = '']) => script);
    expect(called.filter((script) => !Object.hasOwn(packageJson.scripts, script))).toEqual([]);
  });
});

describe('docs/how-to/respond-to-alarms.md', () => {
  it('names metrics that exist', () => {
    const page = read('docs/how-to/respond-to-alarms.md');
    const named = [...page.matchAll(/`([A-Z][a-z]+(?:[A-Z][A-Za-z]+)+)`/g)];
    const others = ['ConfigurationError', 'FileUnavailable', 'InputUnsupported', 'PublishError', 'StopExecution'];
    const unknown = named.map(([, name = '']) => name).filter((name) => !Object.hasOwn(metrics, name));
    expect([...new Set(unknown)].toSorted()).toEqual(others);
  });
});
