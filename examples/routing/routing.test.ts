import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { cliFor } from '../../test/cli.ts';
import { type Local, pollOptions, startLocal } from '../../test/local.ts';

const page = readFileSync(new URL('../../docs/how-to/route-chats.md', import.meta.url), 'utf8');

/** The first code block of the page in this language that contains `text`. */
function block(language: string, text: string): string {
  const blocks = page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'));
  return [...blocks].flatMap(([, content]) => content ?? []).find((content) => content.includes(text)) ?? '';
}

/** The arguments of a command on the page, split as a shell does. */
function splitCommand(command: string): string[] {
  const line = block('sh', command)
    .split('\n')
    .find((one) => one.startsWith(`npx livechat ${command}`));
  return [...(line ?? '').matchAll(/"([^"]*)"|\S+/g)].map(([word, quoted]) => quoted ?? word).slice(2);
}

describe('the worked example of docs/how-to/route-chats.md', () => {
  let local: Local;
  let cli: ReturnType<typeof cliFor>;
  beforeAll(async () => {
    local = await startLocal({ ROUTING_CACHE_SECONDS: '0' });
    cli = cliFor(local);
  });
  afterAll(() => local.stop());

  it('shows the content of rules.json', () => {
    const file: unknown = JSON.parse(readFileSync(new URL('rules.json', import.meta.url), 'utf8'));
    expect(JSON.parse(block('json', '"after hours"'))).toEqual(file);
  });

  it('prints the output on the page', async () => {
    const { code, stdout } = await cli.run(...splitCommand('routing test'));
    expect(code).toBe(0);
    expect(stdout).toBe(block('text', 'order status: matched'));
  });

  it('applies the rules with the command on the page, and routes its chat', async () => {
    const simulator = ['--simulator', local.livechat];
    expect(await cli.run('simulate', 'chat', ...simulator)).toMatchObject({ code: 0 });
    await local.idle();
    const applied = await cli.run(...splitCommand('routing apply'));
    expect(applied).toMatchObject({ code: 0, stdout: 'Version 1 is active.\n' });
    const [, script = ''] = /^echo '(.*)' > refund.json$/m.exec(block('sh', 'refund.json')) ?? [];
    const folder = await mkdtemp(join(tmpdir(), 'routing-'));
    await writeFile(join(folder, 'refund.json'), script);
    const played = await cli.json('simulate', 'chat', '--script', join(folder, 'refund.json'), ...simulator);
    await rm(folder, { recursive: true });
    const { chatId } = z.looseObject({ chatId: z.string() }).parse(played);
    const readConversation = () => local.api(`/api/conversations/${chatId}`);
    // The rule depends on the time of day.
    await expect.poll(readConversation, pollOptions).toMatchObject({
      body: {
        routing: [
          {
            phase: 'start',
            rulesVersion: 1,
            evaluated: expect.arrayContaining([expect.objectContaining({ result: 'matched' })]),
          },
        ],
      },
    });
  });
});
