import { createServer } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { AuditEntry } from '../../console/access.ts';
import { close, listen } from '../../local/listen.ts';
import { type Local, startLocal } from '../local.ts';
import { outbound } from '../outbound.ts';
import { findViolations, openBrowser, openPage, overflows, widths } from './page.ts';

const token = 'token-of-this-test';
const entries: AuditEntry[] = [];
const server = createServer();
const foreign = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<h1>Foreign</h1>'));

let local: Local;
let browser: Browser;
let port: number;
let foreignPort: number;

beforeAll(async () => {
  [local, browser] = await Promise.all([startLocal(), openBrowser()]);
  // Core reads the names of the tables when it is loaded.
  Object.assign(process.env, local.environment);
  const { createConsole } = await import('../../console/server.ts');
  const audit = async (entry: AuditEntry) => void entries.push(entry);
  const app = createConsole({ bus: local.bus, subscribe: () => {}, stage: 'blue', access: { token, audit } });
  server.on(
    'request',
    getRequestListener((request) => app.fetch(request)),
  );
  port = await listen(server, 0, '--port');
  foreignPort = await listen(foreign, 0, '--port');
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await Promise.all([close(server), close(foreign)]);
  await local?.stop();
});

it.each(widths.flatMap((width) => (['light', 'dark'] as const).map((scheme) => ({ width, scheme }))))(
  'explains how to get the link in the $scheme scheme, $width pixels wide',
  async ({ width, scheme }) => {
    const { page, close: closePage } = await openPage(browser, width, scheme);
    const response = await page.goto(`http://localhost:${port}/#/conversations`);
    expect(response?.status()).toBe(401);
    await page.getByRole('heading', { name: 'Access requires the printed link' }).waitFor();
    expect(await findViolations(page)).toEqual([]);
    expect(await overflows(page)).toBe(false);
    await closePage();
  },
);

it('works after the link was opened once, and gives other sites no access', async () => {
  const chatId = await outbound(local).chat();
  await local.idle();
  const { page, browserErrors, close: closePage } = await openPage(browser, 1280);
  const address = `http://localhost:${port}/`;
  await page.goto(`${address}?token=${token}#/conversations/${chatId}`);
  await page.getByText('Live', { exact: true }).waitFor();
  await page.locator('.message').first().waitFor();
  expect(page.url()).toBe(`${address}#/conversations/${chatId}`);
  expect(await page.evaluate('document.cookie')).toBe('');
  expect(entries.map(({ request }) => request)).toEqual([`GET /api/conversations/${chatId}`]);
  await page.reload();
  await page.getByText('Live', { exact: true }).waitFor();
  expect(browserErrors).toEqual([]);

  const attack = (init: object) =>
    page.evaluate(
      `fetch('${address}api/rate-limits/O', ${JSON.stringify({ ...init, credentials: 'include' })}).then(({ type, status }) => [type, status], () => 'blocked')`,
    );
  const pause = { method: 'POST', body: '{"do":"pause"}' };
  // Another port of localhost is the same site, so the browser sends the cookie.
  for (const origin of [`http://localhost:${foreignPort}/`, `http://127.0.0.1:${foreignPort}/`]) {
    await page.goto(origin);
    expect(await attack(pause)).toBe('blocked');
    expect(await attack({ ...pause, mode: 'no-cors' })).toEqual(['opaque', 0]);
  }
  expect(entries).toHaveLength(1);
  const rebound = await page.goto(`http://rebound.localhost:${port}/?token=${token}`);
  expect(rebound?.status()).toBe(403);
  await closePage();
});
