import type { Vector } from './event-pattern.vectors.ts';

const values = (...all: readonly unknown[]) => all.map((value) => ({ a: value }));

const text: readonly Vector[] = [
  {
    what: 'one of several values',
    pattern: { a: ['x', 'y'] },
    matches: values('x', 'y', ['z', 'y']),
    others: values('z', [], 1),
  },
  { what: 'the empty text', pattern: { a: [''] }, matches: values(''), others: values('x', null) },
  { what: 'exactly', pattern: { a: [{ exactly: 'x' }] }, matches: values('x'), others: values('X', ['y']) },
  {
    what: 'prefix',
    pattern: { a: [{ prefix: 'zoo' }] },
    matches: values('zoo', 'zookeeper', ['a', 'zoom']),
    others: values('z', 'azoo', 1),
  },
  {
    what: 'an empty prefix',
    pattern: { a: [{ prefix: '' }] },
    matches: values('', 'x'),
    others: values(1, null, true),
  },
  {
    what: 'prefix or value',
    pattern: { a: [{ prefix: 'al' }, 'bert'] },
    matches: values('albert', 'bert'),
    others: values('berta'),
  },
  {
    what: 'prefix without case',
    pattern: { a: [{ prefix: { 'equals-ignore-case': 'EventB' } }] },
    matches: values('eventbridge', 'EVENTB'),
    others: values('event', 'xeventb'),
  },
  {
    what: 'suffix',
    pattern: { a: [{ suffix: 'ing' }] },
    matches: values('running', 'ing'),
    others: values('runs', 'ing.'),
  },
  {
    what: 'suffix without case',
    pattern: { a: [{ suffix: { 'equals-ignore-case': '.PNG' } }] },
    matches: values('a.png', 'b.PnG'),
    others: values('png', 'a.png2'),
  },
  {
    what: 'equals-ignore-case',
    pattern: { a: [{ 'equals-ignore-case': 'Straße Ärger' }] },
    matches: values('straße ärger', 'STRASSE ÄRGER', 'STRAßE ÄRGER'),
    others: values('strasse ärger', 'straße', 'x straße ärger'),
  },
];

const wildcard: readonly Vector[] = [
  { what: '*', pattern: { a: [{ wildcard: '*' }] }, matches: values('', 'x', 'a*b'), others: values(1, null, false) },
  {
    what: 'no *',
    pattern: { a: [{ wildcard: 'hello' }] },
    matches: values('hello'),
    others: values('hello!', 'ahello'),
  },
  {
    what: '* at the end',
    pattern: { a: [{ wildcard: 'he*' }] },
    matches: values('he', 'hello'),
    others: values('h', 'ahe'),
  },
  {
    what: '* at the start',
    pattern: { a: [{ wildcard: '*lo' }] },
    matches: values('lo', 'hello'),
    others: values('hello!'),
  },
  {
    what: 'several *',
    pattern: { a: [{ wildcard: '*/dir/*.png' }] },
    matches: values('/dir/.png', 'x/dir/dir/y.png', '/dir/a/b.png.png'),
    others: values('/dir.png', 'x/dir/y.png2'),
  },
  {
    what: 'the same string twice',
    pattern: { a: [{ wildcard: 'ab*ab' }] },
    matches: values('abab', 'abxab'),
    others: values('ab', 'aba'),
  },
  { what: 'a line break', pattern: { a: [{ wildcard: 'a*b' }] }, matches: values('a\n\nb'), others: values('a\nb\n') },
  {
    what: 'an escaped *',
    pattern: { a: [{ wildcard: 'a\\**' }] },
    matches: values('a*', 'a*b'),
    others: values('a', 'ab'),
  },
  {
    what: 'an escaped backslash',
    pattern: { a: [{ wildcard: 'a\\\\*' }] },
    matches: values('a\\', 'a\\b'),
    others: values('a*', 'a'),
  },
];

const anythingBut: readonly Vector[] = [
  {
    what: 'a text',
    pattern: { a: [{ 'anything-but': 'x' }] },
    matches: values('y', 'xx', 1, null, false),
    others: [...values('x', []), {}],
  },
  {
    what: 'texts',
    pattern: { a: [{ 'anything-but': ['x', 'y'] }] },
    matches: values('z', ['x', 'z']),
    others: values('x', 'y', ['x', 'y']),
  },
  { what: 'a number', pattern: { a: [{ 'anything-but': 5 }] }, matches: values(6, '5', null), others: values(5, 5.0) },
  { what: 'numbers', pattern: { a: [{ 'anything-but': [5, 0.1] }] }, matches: values(1), others: values(5, 0.1) },
  {
    what: 'a prefix',
    pattern: { a: [{ 'anything-but': { prefix: 'in' } }] },
    matches: values('out', 'i', 5),
    others: values('in', 'init'),
  },
  {
    what: 'prefixes',
    pattern: { a: [{ 'anything-but': { prefix: ['in', 'o'] } }] },
    matches: values('x'),
    others: values('in', 'out'),
  },
  {
    what: 'a suffix',
    pattern: { a: [{ 'anything-but': { suffix: '.png' } }] },
    matches: values('a.jpg', true),
    others: values('a.png'),
  },
  {
    what: 'suffixes',
    pattern: { a: [{ 'anything-but': { suffix: ['a', 'b'] } }] },
    matches: values('c'),
    others: values('a', 'xb'),
  },
  {
    what: 'a string without letter case',
    pattern: { a: [{ 'anything-but': { 'equals-ignore-case': ['Stopped', 'Over'] } }] },
    matches: values('running', 'stop', 1),
    others: values('STOPPED', 'over'),
  },
  {
    what: 'a wildcard',
    pattern: { a: [{ 'anything-but': { wildcard: ['*/lib/*', 'x*'] } }] },
    matches: values('/bin/a', 'lib', 0),
    others: values('a/lib/b', 'x'),
  },
];

const numbers: readonly Vector[] = [
  { what: 'a number', pattern: { a: [300] }, matches: values(300, 3e2, [1, 300]), others: values('300', 301) },
  {
    what: 'a large number',
    pattern: { a: [123456789012] },
    matches: values(123456789012),
    others: values(123456789013),
  },
  { what: 'a negative fraction', pattern: { a: [-0.1] }, matches: values(-0.1), others: values(0.1, -0.10001) },
  {
    what: 'equality',
    pattern: { a: [{ numeric: ['=', 3.018e2] }] },
    matches: values(301.8),
    others: values(301.81, '301.8'),
  },
  { what: 'less', pattern: { a: [{ numeric: ['<', 10] }] }, matches: values(9.99, -1e300), others: values(10, '1') },
  { what: 'less or equal', pattern: { a: [{ numeric: ['<=', -5] }] }, matches: values(-5, -6), others: values(-4.99) },
  {
    what: 'greater',
    pattern: { a: [{ numeric: ['>', 0] }] },
    matches: values(1e-8, 1e300),
    others: values(0, -1, true),
  },
  {
    what: 'greater or equal',
    pattern: { a: [{ numeric: ['>=', 0] }] },
    matches: values(0),
    others: values(-1e-8, null),
  },
  {
    what: 'an open range',
    pattern: { a: [{ numeric: ['>', 0, '<', 5] }] },
    matches: values(1, 4.9),
    others: values(0, 5),
  },
  {
    what: 'a closed range',
    pattern: { a: [{ numeric: ['>=', -1, '<=', 5] }] },
    matches: values(-1, 5),
    others: values(-1.1, 5.1),
  },
  {
    what: 'two ranges',
    pattern: { a: [{ numeric: ['<', 0] }, { numeric: ['>', 9] }] },
    matches: values(-1, 10),
    others: values(5),
  },
  {
    what: 'literals',
    pattern: { a: [true, null] },
    matches: values(true, null, [null]),
    others: values(false, 'true', 'null', 0),
  },
];

const addresses: readonly Vector[] = [
  {
    what: 'an IPv4 block',
    pattern: { a: [{ cidr: '10.0.0.0/24' }] },
    matches: values('10.0.0.0', '10.0.0.33', '10.0.0.255'),
    others: values('10.0.1.0', '9.255.255.255', 'x', '10.0.0'),
  },
  {
    what: 'the two addresses of /31',
    pattern: { a: [{ cidr: '10.0.0.9/31' }] },
    matches: values('10.0.0.8', '10.0.0.9'),
    others: values('10.0.0.7', '10.0.0.10'),
  },
  {
    what: 'all of IPv4',
    pattern: { a: [{ cidr: '1.2.3.4/0' }] },
    matches: values('0.0.0.0', '255.255.255.255'),
    others: values('x'),
  },
  {
    what: 'an IPv6 block',
    pattern: { a: [{ cidr: '2001:db8::/32' }] },
    matches: values('2001:db8::1', '2001:DB8:ffff:ffff:ffff:ffff:ffff:ffff'),
    others: values('2001:db9::', '10.0.0.1'),
  },
  {
    what: 'an IPv4 address',
    pattern: { a: ['192.0.2.1'] },
    matches: values('192.0.2.1', '192.0.2.001'),
    others: values('192.0.2.2'),
  },
  {
    what: 'an IPv6 address in any notation',
    pattern: { a: ['::1'] },
    matches: values('0:0:0:0:0:0:0:1'),
    others: values('::2'),
  },
];

/** Vectors for the operators on one value, as in event-pattern.vectors.ts. */
export const operatorVectors: Readonly<Record<string, readonly Vector[]>> = {
  text,
  wildcard,
  'anything-but': anythingBut,
  numbers,
  addresses,
};
