/**
 * Test vectors for event patterns: the test cases of AWS's matcher (github.com/aws/event-ruler), with other data. event-ruler
 * 2.1 returns the same result for each vector.
 */

export interface Vector {
  readonly what: string;
  readonly pattern: object;
  readonly matches: readonly object[];
  readonly others: readonly object[];
}

const shipment = {
  'detail-type': 'Shipment state change',
  source: 'test.shipping',
  time: '2026-03-01T10:00:00Z',
  resources: ['arn:parcel/1', 'arn:parcel/2'],
  detail: {
    state: 'in-transit',
    ip: '10.0.0.33',
    weight: 301.8,
    'c.count': 5,
    label: { url: 'https://x/1', pages: 2 },
  },
};

const orders = {
  year: 2026,
  tags: [{ urgent: true }, { paid: false }],
  orders: [
    {
      name: 'first',
      items: [
        { sku: 'a', size: 'S' },
        { sku: 'b', size: 'M' },
      ],
    },
    {
      name: 'second',
      items: [
        { sku: 'c', size: 'L' },
        { sku: 'd', size: 'XL' },
      ],
    },
  ],
};

const teams = {
  teams: [
    [
      { first: 'Ana', last: 'Silva', ids: [12, 100] },
      { first: 'Ben', last: 'Meyer' },
    ],
    [{ first: 'Cleo', last: 'Jones', ids: [] }],
  ],
};

const points = {
  lines: [
    {
      levels: [[0.5]],
      points: [
        [
          [{ name: 'p0' }, 483.5, 287.5],
          [{ name: 'p1' }, 490.5],
        ],
      ],
    },
  ],
};

const values = (...all: readonly unknown[]) => all.map((value) => ({ a: value }));
const every = (...all: readonly unknown[]) => all.map((value) => ({ a: [value] }));

const existence: readonly Vector[] = [
  {
    what: 'a field',
    pattern: { a: [{ exists: true }] },
    matches: values(0, '', null, false, ['x']),
    others: [{}, ...values({ b: 1 }, [])],
  },
  {
    what: 'no field',
    pattern: { a: [{ exists: false }] },
    matches: [{}, { b: 1 }, ...values({ b: 1 }, [], [[]])],
    others: values(null, [0]),
  },
  {
    what: 'no field or a value',
    pattern: { a: [{ exists: false }, 'x'] },
    matches: [{}, ...values('x')],
    others: values('y'),
  },
  {
    what: 'no field in the element of another',
    pattern: { teams: { first: ['Ben'], ids: [{ exists: false }] } },
    matches: [teams],
    others: [{ teams: [{ first: 'Ben', ids: [1] }] }],
  },
  {
    what: 'a field in the element of another',
    pattern: { teams: { first: ['Ben'], ids: [{ exists: true }] } },
    matches: [{ teams: [{ first: 'Ben', ids: [1] }] }],
    others: [teams],
  },
  {
    what: 'no field in any element, if no earlier condition selects an element',
    pattern: { list: { a: [{ exists: false }], b: ['x'] } },
    matches: [{ list: [{ b: 'x' }] }],
    others: [{ list: [{ a: 1 }, { b: 'x' }] }],
  },
];

const structure: readonly Vector[] = [
  {
    what: 'fields at several depths',
    pattern: {
      source: ['test.shipping'],
      resources: ['arn:parcel/2'],
      detail: { state: ['lost', 'in-transit'], label: { pages: [{ numeric: ['>', 1] }] } },
    },
    matches: [shipment],
    others: [
      { ...shipment, source: 'x' },
      { ...shipment, resources: [] },
    ],
  },
  {
    what: 'every operator together',
    pattern: {
      time: [{ prefix: '2026-03-01' }],
      detail: {
        state: [{ 'anything-but': 'lost' }],
        ip: [{ cidr: '10.0.0.0/8' }],
        weight: [{ 'anything-but': [1, 2] }],
        label: { url: [{ suffix: '/1' }] },
      },
    },
    matches: [shipment],
    others: [
      { ...shipment, time: '2027' },
      { ...shipment, detail: { ...shipment.detail, ip: '11.0.0.1' } },
    ],
  },
  { what: 'a dot in a name as a step', pattern: { detail: { c: { count: [5] } } }, matches: [shipment], others: [] },
  {
    what: 'a dotted name for nested fields',
    pattern: { 'detail.label.pages': [2] },
    matches: [shipment],
    others: [{ detail: { label: 2 } }],
  },
  {
    what: 'names that every object inherits',
    pattern: { toString: [{ exists: true }] },
    matches: [{ toString: 1 }],
    others: [{}],
  },
  { what: 'no field below a value', pattern: { source: { x: [{ exists: true }] } }, matches: [], others: [shipment] },
  {
    what: 'values of one element',
    pattern: { orders: { name: ['first'], items: { sku: ['b'], size: ['M'] } } },
    matches: [orders],
    others: [
      {
        orders: [
          {
            name: 'first',
            items: [
              { sku: 'b', size: 'S' },
              { sku: 'a', size: 'M' },
            ],
          },
        ],
      },
    ],
  },
  {
    what: 'values of two elements',
    pattern: { orders: { items: { sku: ['a'], size: ['M'] } } },
    matches: [],
    others: [orders],
  },
  {
    what: 'values of two outer elements',
    pattern: { orders: { name: ['first'], items: { sku: ['c'] } } },
    matches: [],
    others: [orders],
  },
  {
    what: 'elements of different lists',
    pattern: { tags: { urgent: [true] }, orders: { name: ['second'] } },
    matches: [orders],
    others: [],
  },
  {
    what: 'different elements of one list',
    pattern: { tags: { urgent: [true], paid: [false] } },
    matches: [],
    others: [orders],
  },
  {
    what: 'objects in a list in a list',
    pattern: { teams: { first: ['Cleo'] } },
    matches: [teams],
    others: [{ teams: 'Cleo' }],
  },
  {
    what: 'values of one element of an inner list',
    pattern: { teams: { first: ['Ana'], ids: [100] } },
    matches: [teams],
    others: [],
  },
  {
    what: 'values of two inner lists',
    pattern: { teams: { first: ['Ana'], last: ['Jones'] } },
    matches: [],
    others: [teams],
  },
  {
    what: 'values in a list in a list',
    pattern: { lines: { levels: [0.5] } },
    matches: [points],
    others: [{ lines: [{ levels: [[1]] }] }],
  },
  {
    what: 'values and objects of one list',
    pattern: { lines: { points: [287.5], 'points.name': ['p0'] } },
    matches: [points],
    others: [],
  },
  {
    what: 'values and objects of two inner lists',
    pattern: { lines: { points: [490.5], 'points.name': ['p0'] } },
    matches: [],
    others: [points],
  },
  {
    what: 'any element of a list',
    pattern: { a: ['x'] },
    matches: [...every('x'), ...values([['y'], ['x']])],
    others: every({ a: 'x' }),
  },
];

const or: readonly Vector[] = [
  {
    what: 'either field',
    pattern: { a: ['x'], $or: [{ b: [1] }, { c: [2] }] },
    matches: [
      { a: 'x', b: 1 },
      { a: 'x', c: 2 },
    ],
    others: [{ a: 'x' }, { b: 1 }, { a: 'x', b: 2, c: 1 }],
  },
  {
    what: 'two alternatives in parallel',
    pattern: { $or: [{ a: [1] }, { b: [1] }], detail: { $or: [{ c: [1] }, { d: [1] }] } },
    matches: [
      { a: 1, detail: { d: 1 } },
      { b: 1, detail: { c: 1 } },
    ],
    others: [{ a: 1 }, { detail: { c: 1 } }],
  },
  {
    what: 'an alternative of two fields, one of them an alternative',
    pattern: { $or: [{ a: [1] }, { b: [1], $or: [{ c: [1] }, { d: [1] }] }] },
    matches: [{ a: 1 }, { b: 1, d: 1 }],
    others: [{ b: 1 }, { c: 1 }],
  },
  {
    what: 'a field after $or, which replaces the same field in $or',
    pattern: { $or: [{ a: ['x'] }, { b: ['y'] }], a: ['z'] },
    matches: [{ a: 'z' }],
    others: [{ a: 'x' }, { a: 'x', b: 'y' }],
  },
  {
    what: 'a field before $or, which the same field in $or replaces',
    pattern: { a: ['z'], $or: [{ a: ['x'] }, { b: ['y'] }] },
    matches: [{ a: 'x' }, { a: 'z', b: 'y' }],
    others: [{ a: 'z' }, { b: 'y' }],
  },
  { what: 'a field named $or', pattern: { $or: { a: ['x'] } }, matches: [{ $or: { a: 'x' } }], others: [{ a: 'x' }] },
  {
    what: 'operators on a field named $or',
    pattern: { $or: [{ prefix: 'x' }, { prefix: 'y' }] },
    matches: [{ $or: 'xy' }],
    others: [{ $or: 'z' }],
  },
];

export const vectors: Readonly<Record<string, readonly Vector[]>> = {
  existence,
  structure,
  $or: or,
};

/** Patterns that EventBridge rejects. */
export const invalidPatterns: readonly unknown[] = [
  ['a'],
  'a',
  {},
  { a: {} },
  { a: { b: {} } },
  { a: 1 },
  { a: 'x' },
  { a: null },
  { a: [] },
  { a: [['x']] },
  { a: [{}] },
  { a: [{ unknown: 'x' }] },
  { a: [{ toString: 'x' }] },
  ...[{ prefix: 'x', suffix: 'y' }, { prefix: 3 }, { prefix: ['x'] }, { prefix: {} }, { prefix: { suffix: 'x' } }],
  ...[{ prefix: { 'equals-ignore-case': 5 } }, { prefix: { 'equals-ignore-case': 'x', suffix: 'y' } }],
  ...[{ suffix: 3 }, { suffix: ['x'] }, { suffix: { 'equals-ignore-case': ['x'] } }, { suffix: { prefix: 'x' } }],
  ...[
    { 'equals-ignore-case': 5 },
    { 'equals-ignore-case': ['x'] },
    { exactly: 33 },
    { exists: 'yes' },
    { exists: null },
  ],
  ...[{ wildcard: 5 }, { wildcard: ['x'] }, { wildcard: 'a**b' }, { wildcard: 'a\\b' }, { wildcard: 'a\\' }],
  ...[
    { cidr: 'x' },
    { cidr: 5 },
    { cidr: '10.0.0.0' },
    { cidr: '10.0.0.0/' },
    { cidr: '10.0.0.0/x' },
    { cidr: '10.0.0.0/-1' },
  ],
  ...[
    { cidr: '10.0.0.0/32' },
    { cidr: '::/128' },
    { cidr: '10.0.0.0/8/8' },
    { cidr: '10.0.0/8' },
    { cidr: '10.0.0.256/8' },
  ],
  ...[{ 'anything-but': null }, { 'anything-but': true }, { 'anything-but': [] }, { 'anything-but': {} }],
  ...[
    { 'anything-but': ['x', 1] },
    { 'anything-but': ['x', null] },
    { 'anything-but': [['x']] },
    { 'anything-but': [{ prefix: 'x' }] },
  ],
  ...[
    { 'anything-but': { prefix: '' } },
    { 'anything-but': { suffix: '' } },
    { 'anything-but': { prefix: ['x', ''] } },
  ],
  ...[
    { 'anything-but': { prefix: 27 } },
    { 'anything-but': { wildcard: 'a**' } },
    { 'anything-but': { wildcard: ['x', 1] } },
  ],
  ...[
    { 'anything-but': { prefix: 'x', suffix: 'y' } },
    { 'anything-but': { cidr: '10.0.0.0/8' } },
    { 'anything-but': { exists: true } },
  ],
  ...[['='], ['=', true], ['=', '1'], ['~', 1], ['==', 1], ['<>', 1, '>', 0], [], 5, '>'].map((numeric) => ({
    numeric,
  })),
  ...[
    ['=', 1, '=', 1],
    ['<', 5, '>', 0],
    ['>', 0, '>', 5],
    ['>', 1, '<', 1],
    ['>=', 1, '<=', 1],
  ].map((numeric) => ({ numeric })),
  ...[
    ['>', 30, '<', 1],
    ['>', 1, '<', 30, false],
    ['>', 1, '<'],
    ['>', 1, 2],
  ].map((numeric) => ({ numeric })),
].map((one, index) => (index < 13 ? one : { a: [one] }));

/** Patterns whose `$or` is neither a list of alternatives nor a valid field. */
export const invalidAlternatives: readonly object[] = [
  { $or: [] },
  { $or: [{ a: ['x'] }] },
  { $or: [{ a: ['x'] }, 'y'] },
  { $or: [{ a: ['x'] }, {}] },
  { $or: 'x' },
  { $or: [{ a: ['x'] }, { prefix: ['y'] }] },
  { $or: [{ a: ['x'] }, { b: { numeric: ['y'] } }] },
  { a: { $or: [{ b: ['x'] }] } },
];
