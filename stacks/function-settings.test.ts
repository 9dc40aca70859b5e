import { globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { callsPerSecondSetting } from '../core/channel/spec.ts';
import { channels } from '../core/channels.ts';
import { minimums } from './function-settings.ts';

/** The settings whose names are passed as variables. */
const variables: Readonly<Record<string, readonly string[]>> = {
  name: Object.keys(channels).map((carrier) => callsPerSecondSetting(carrier).name),
  setting: ['CONVERSATIONS_RETENTION_DAYS', 'MESSAGES_RETENTION_DAYS'],
};

/** The console and the command line read it from their own environment. */
const notOfFunctions = ['MEDIA_LINK_SECONDS'];

/** The settings that core and the functions parse as whole numbers, each with its minimum. */
function readMinimums(): (readonly [name: string, min: number])[] {
  const root = new URL('..', import.meta.url);
  const files = globSync('{core,functions}/**/*.ts', { cwd: root }).filter((file) => !file.endsWith('.test.ts'));
  const calls = files.flatMap((file) => [
    ...readFileSync(new URL(file, root), 'utf8').matchAll(
      /(?<!function )\bwholeNumber\((?:'(\w+)'|(\w+)), \w+(?:, ([\d_]+))?/g,
    ),
  ]);
  return calls.flatMap(([call, literal, variable = '', min = '0']) => {
    const names = literal === undefined ? variables[variable] : [literal];
    if (!names) throw new Error(`the settings of ${call}…) are not known`);
    return names.map((name) => [name, Number(min.replaceAll('_', ''))] as const);
  });
}

it('a deployment accepts the whole numbers that the functions accept', () => {
  const parsed = readMinimums().filter(([name]) => !notOfFunctions.includes(name));
  // A setting that two modules parse has the same minimum in both.
  expect(new Set(parsed.map(String))).toEqual(new Set([...minimums].map(String)));
});
