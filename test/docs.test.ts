import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { describe, expect, it } from 'vitest';
import { program } from '../cli/program.ts';
import { channelErrorCategories, channelErrorName } from '../core/channel/channel.ts';
import { callsPerSecondSetting } from '../core/channel/spec.ts';
import { channels } from '../core/channels.ts';
import { catalogue, type EventType } from '../core/events/catalogue.ts';
import { parseEvent } from '../core/events/event.ts';
import { type MetricSpec, metrics } from '../core/platform/metrics.ts';
import packageJson from '../package.json' with { type: 'json' };
import { archive, functions, schedules, settings } from '../stacks/topology.ts';
import {
  codeBlocks,
  eventSample,
  headings,
  headingsUnder,
  prose,
  readPage,
  root,
  section,
  tableRows,
} from './markdown.ts';

const pages = globSync(['*.md', 'docs/**/*.md', '.github/*.md', 'kit/*.md'], { cwd: root });
const anchors = (page: string) => headings(page).map(({ anchor }) => anchor);
/** The first code span of a table cell. */
const code = (cell: string | undefined) => /`([^`]+)`/.exec(cell ?? '')?.[1];
const codes = (cell: string | undefined) => [...(cell ?? '').matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);

describe.each(pages)('%s', (page) => {
  it('links only to files and headings that exist', () => {
    const targets = [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
    const broken = targets.filter((target) => {
      if (/^https?:/.test(target)) return false;
      const [path = '', anchor] = target.split('#');
      const file = path ? relative(root, join(root, dirname(page), path)) : page;
      return !existsSync(join(root, file)) || (anchor !== undefined && !anchors(file).includes(anchor));
    });
    expect(broken).toEqual([]);
  });

  it('names only files of the code that exist', () => {
    const folders = /^(?:core|functions|stacks|local|console|cli|bench|examples|test)\/[\w./-]*$/;
    const named = codes(prose(page)).filter((span) => folders.test(span));
    // `functions/send` is the handler's name.
    expect(named.filter((path) => !existsSync(join(root, path)) && !existsSync(join(root, `${path}.ts`)))).toEqual([]);
  });

  it('names only npm scripts that exist', () => {
    const named = [...readPage(page).matchAll(/npm run ([\w:-]+)/g)].map(([, script = '']) => script);
    expect(named.filter((script) => !Object.hasOwn(packageJson.scripts, script))).toEqual([]);
  });

  it('has no line above 140 characters outside tables', () => {
    const long = readPage(page)
      .split('\n')
      .filter((line) => line.length > 140 && !line.startsWith('|'));
    expect(long).toEqual([]);
  });

  it('has no conflict markers', () => {
    expect(readPage(page)).not.toMatch(/^(?:<{7}|={7}|>{7})/m);
  });

  it('has JSON and shell blocks that parse', () => {
    const blocks = codeBlocks(page);
    for (const { text } of blocks.filter(({ language }) => language === 'json')) {
      expect(() => JSON.parse(text), text).not.toThrow();
    }
    for (const { text } of blocks.filter(({ language }) => language === 'sh')) {
      expect(spawnSync('bash', ['-n'], { input: text, encoding: 'utf8' }).stderr).toBe('');
    }
  });
});

describe('the commands in the documents', () => {
  const line = /\blivechat ((?:[a-z][a-z-]*)(?: [^`\n|&;)#>]*)?)/g;
  const shellLines = (page: string) =>
    codeBlocks(page).flatMap(({ language, text }) => (language === 'sh' ? [...text.matchAll(/npx livechat .*/g)] : []));
  const spans = (page: string) => [...prose(page).matchAll(/`(?:npx )?livechat [^`]+`/g)];

  it.each(pages)('exist, with their options: %s', (page) => {
    const found = [...shellLines(page), ...spans(page)].flatMap(([text]) =>
      [...text.matchAll(line)].map(([, words = '']) => words.trim().split(/\s+/)),
    );
    expect(found.map(problem).filter(Boolean)).toEqual([]);
  });
});

/** What is wrong with the words of a command line, or undefined. */
function problem(words: readonly string[]): string | undefined {
  let command: CommandUnknownOpts = program;
  for (const word of words) {
    const next = command.commands.find((one) => one.name() === word);
    if (!next) break;
    command = next;
  }
  if (command === program) return `${words.join(' ')}: no such command`;
  const unknown = words
    .filter((word) => /^\[?--[a-z]/.test(word))
    .map((word) => word.replace(/^\[/, '').replace(/[=\]].*$/, ''))
    .filter((flag) => flag !== '--help' && !command.options.some(({ long }) => long === flag));
  return unknown.length > 0 ? `${words.join(' ')}: no option ${unknown.join(', ')}` : undefined;
}

describe('README.md', () => {
  it('has at most 120 lines', () => {
    expect(readPage('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(120);
  });

  it('has the two commands', () => {
    const text = readPage('README.md');
    expect(text).toContain('npm ci && npm start');
    expect(text).toContain('npm ci && npm test');
  });
});

describe('docs/reference/events.md', () => {
  const page = 'docs/reference/events.md';
  const [envelope] = codeBlocks(page);
  const isEventType = (name: string): name is EventType => Object.hasOwn(catalogue, name);

  it('has a section for every event, and for no other', () => {
    const groups = ['Chats', 'Messages and notes', 'Sending', 'Operations'];
    const sections = groups.flatMap((group) => headingsUnder(page, group)).map(({ text }) => text);
    expect(sections.toSorted()).toEqual(Object.keys(catalogue).toSorted());
  });

  it.each(Object.keys(catalogue).filter(isEventType))('has a sample of %s that its schema accepts whole', (type) => {
    const sample = eventSample(type);
    expect(parseEvent(type, sample).data).toEqual(sample.data);
  });

  it('has a complete event that its schema accepts', () => {
    const { detail } = JSON.parse(envelope?.text ?? '{}');
    expect(parseEvent('message.deleted', detail)).toMatchObject(detail);
  });
});

describe('docs/reference/send-request.md', () => {
  const page = 'docs/reference/send-request.md';
  const samples = codeBlocks(page)
    .map(({ text }): unknown => JSON.parse(text))
    .filter((value) => typeof value === 'object' && value !== null && 'messages' in value);

  it('has a sample of every type of message', () => {
    expect(samples).toHaveLength(3);
  });

  it.each(samples)('has a request that the schema accepts: %#', (data) => {
    expect(catalogue['message.send.requested'].parse(data)).toEqual(data);
  });
});

describe('docs/reference/metrics-and-alarms.md', () => {
  it('lists every metric with its unit, dimensions and properties', () => {
    const rows = tableRows(section('docs/reference/metrics-and-alarms.md', 'Metrics'));
    const listed = rows.map(([name, unit, dimensions, properties]) => [
      code(name),
      { unit: unit?.trim(), dimensions: codes(dimensions), properties: codes(properties) },
    ]);
    const expected = Object.entries<MetricSpec>(metrics).map(
      ([name, { unit = 'Count', dimension, properties = [] }]) => [
        name,
        { unit, dimensions: [dimension ?? []].flat(), properties: [...properties] },
      ],
    );
    expect(Object.fromEntries(listed)).toEqual(Object.fromEntries(expected));
  });
});

describe('docs/how-to/respond-to-alarms.md', () => {
  it('names only metrics that exist', () => {
    const named = codes(prose('docs/how-to/respond-to-alarms.md')).filter((name) => /^([A-Z][a-z]+){2,}$/.test(name));
    const others = ['ConfigurationError', 'FileUnavailable', 'PublishError', 'StopExecution'];
    const unknown = named.filter((name) => !Object.hasOwn(metrics, name));
    expect([...new Set(unknown)].toSorted()).toEqual(others);
  });
});

describe('docs/reference/settings.md', () => {
  it('lists every setting of the functions, and no other', () => {
    const rows = tableRows(section('docs/reference/settings.md', 'Functions'));
    expect(rows.map(([name]) => code(name)).toSorted()).toEqual([...settings].toSorted());
  });

  const read = (pattern: string) =>
    globSync(pattern, { cwd: root })
      .filter((file) => !file.endsWith('.test.ts'))
      .map((file) => readFileSync(join(root, file), 'utf8'));
  const sources = read('{core,functions}/**/*.ts');
  const functionRows = tableRows(section('docs/reference/settings.md', 'Functions'));
  const isNumber = (text = '') => /^\d+$/.test(text.trim());

  it.each(functionRows.filter(([, , fallback]) => isNumber(fallback)))('has the default of %s', (name, _, fallback) => {
    const ofChannels = Object.keys(channels)
      .map(callsPerSecondSetting)
      .filter((one) => one.name === code(name));
    const defaults = [
      ...sources.flatMap((source) => numericDefaults(source, code(name) ?? '')),
      ...ofChannels.map((one) => one.fallback),
    ];
    expect([...new Set(defaults)]).toEqual([Number(fallback)]);
  });

  it.each(functionRows.filter(([, , fallback]) => code(fallback)))('has the default of %s', (_name, _, fallback) => {
    const values = (code(fallback) ?? '').split(',');
    const all = [...sources, ...read('stacks/*.ts')];
    expect(values.filter((value) => !all.some((source) => source.includes(`'${value}'`)))).toEqual([]);
  });

  it('has the defaults of the deployment', () => {
    const rows = new Map(
      tableRows(section('docs/reference/settings.md', 'Deployment')).map(([name, , value]) => [
        code(name),
        value?.trim(),
      ]),
    );
    expect(rows.get('ARCHIVE_DAYS')).toBe(String(archive.retentionDays));
    expect(rows.get('RECONCILIATION_MINUTES')).toBe(String(schedules.reconciliation.defaultMinutes));
    expect(rows.get('SEND_CONCURRENCY')).toBe(`${functions.send.concurrency} in production, otherwise 0`);
  });
});

/** The defaults with which a source reads a numeric setting. */
function numericDefaults(source: string, setting: string): number[] {
  const retention = /function expiresAfter\(/.test(source) && setting.endsWith('_RETENTION_DAYS');
  const call = retention ? /wholeNumber\(\w+, (\w+)/g : new RegExp(`wholeNumber\\('${setting}', (\\w+)`, 'g');
  const evaluate = (text: string) =>
    text.split('*').reduce((product, factor) => product * Number(factor.replaceAll('_', '')), 1);
  return [...source.matchAll(call)].map(([, text = '']) => {
    const [, constant = text] = new RegExp(`const ${text} = ([\\d_ *]+);`).exec(source) ?? [];
    return evaluate(constant);
  });
}

describe('docs/reference/errors.md', () => {
  it('lists every error of core and functions by its name, and no other', () => {
    const sources = globSync('{core,functions}/**/*.ts', { cwd: root }).filter((file) => !file.endsWith('.test.ts'));
    const declared = sources.flatMap((file) =>
      [...readFileSync(join(root, file), 'utf8').matchAll(/readonly name(?:: string)? = '(\w+)'/g)].map(
        ([, name = '']) => name,
      ),
    );
    const rows = headings('docs/reference/errors.md')
      .filter(({ level }) => level === 2)
      .flatMap(({ text }) => tableRows(section('docs/reference/errors.md', text)));
    const all = new Set([...declared, ...channelErrorCategories.map(channelErrorName)]);
    expect(rows.flatMap(([name]) => codes(name)).toSorted()).toEqual([...all].toSorted());
  });
});

describe('CONTRIBUTING.md', () => {
  it('has a glossary of 25 terms', () => {
    expect(tableRows(section('CONTRIBUTING.md', 'Glossary'))).toHaveLength(25);
  });
});
