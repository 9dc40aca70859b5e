import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { conversationPrefix, fileNameFromUrl, keyContainsId, mediaPrefix, safeName } from './media.ts';

describe('the name of a file in the bucket', () => {
  it.each([
    ['receipt.png', 'receipt.png'],
    ['żółć photo (1).png', 'żółć-photo-1.png'],
    ['収据.pdf', '収据.pdf'],
    ['../../etc/passwd', 'etc-passwd'],
    ['..\\..\\boot.ini', 'boot.ini'],
    ['.htaccess', 'htaccess'],
    ['-rf.sh', 'rf.sh'],
    ['a..png', 'a.png'],
    ['a.tar.gz', 'a.tar.gz'],
    ['a.png ', 'a.png'],
    ['a\r\nSet-Cookie: b.png', 'a-Set-Cookie-b.png'],
    ['photo\u202Egnp.exe', 'photo-gnp.exe'],
    ['a\u0000b.png', 'a-b.png'],
    ['a?b#c%2Fd.png', 'a-b-c-2Fd.png'],
    ['<script>.html', 'script.html'],
    ['\ud800.png', 'png'],
    ['...', 'file'],
    ['', 'file'],
    ['🎉', 'file'],
    [`${'a'.repeat(300)}.jpeg`, `${'a'.repeat(115)}.jpeg`],
    [`${'ż'.repeat(300)}.png`, `${'ż'.repeat(58)}.png`],
    [`a.${'b'.repeat(300)}`, `a.${'b'.repeat(118)}`],
  ])('is safe: %j', (name, expected) => {
    expect(safeName(name)).toBe(expected);
  });

  it('never has a special meaning in a path, URL or header', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 400 }), fc.string({ maxLength: 400 })), (name) => {
        const safe = safeName(name);
        expect(safe).toMatch(/^[\p{L}\p{N}][\p{L}\p{M}\p{N}._-]*$/u);
        expect(safe).not.toContain('..');
        expect(Buffer.byteLength(safe)).toBeLessThanOrEqual(120);
        expect(safe.isWellFormed()).toBe(true);
      }),
    );
  });

  it.each([
    ['https://cdn.example/a/b%20c.png?x=1', 'b c.png'],
    ['https://cdn.example/a/%E0%A4%A.png', '%E0%A4%A.png'],
    ['https://cdn.example/', ''],
    ['none', ''],
  ])('defaults to the last segment of the URL: %s', (url, expected) => {
    expect(fileNameFromUrl(url)).toBe(expected);
  });
});

it('a message’s files are under its conversation’s prefix only', () => {
  const place = { organizationId: 'o', conversationId: 'a/b', messageId: 'm' };
  expect(mediaPrefix(place)).toBe('o/a%2Fb/m/');
  expect(conversationPrefix(place)).toBe('o/a%2Fb/');
});

it.each([
  ['o/outbound/CHAT/plan.pdf', true],
  ['o/outbound/2026/CHAT', true],
  ['o/outbound/CHAT.pdf', true],
  ['o/outbound/a%2Fb/plan.pdf', true],
  ['o/outbound/CHAT2/plan.pdf', false],
  ['o/outbound/plan-of-CHAT.pdf', false],
  ['o/outbound/chat/plan.pdf', false],
])('a key contains an id if a folder or its name is one: %s %s', (key, expected) => {
  expect(keyContainsId(['OTHER', 'a/b', 'CHAT'], key)).toBe(expected);
});
