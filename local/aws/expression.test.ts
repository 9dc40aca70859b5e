import { expect, test } from 'vitest';
import { simplifyFilter, withoutIdleBrackets } from './expression.ts';

const collection = '((#e = :e1 AND #v = :v1) OR (#e = :e2 AND #v = :v2))';

test("the brackets of a collection's filter go", () => {
  expect(withoutIdleBrackets(collection)).toBe('#e = :e1 AND #v = :v1 OR #e = :e2 AND #v = :v2');
});

test.each([
  '#a = :a AND (#b = :b OR #c = :c)',
  '((#a = :a OR #b = :b) AND (#c = :c OR #d = :d))',
  '((#a = :a AND #b = :b) AND (#c = :c AND #d = :d))',
  `(${collection}) AND #a = :a`,
  '((#a = :a AND begins_with(#b, :b)))',
  // Redundant brackets, which DynamoDB refuses: here they must be seen.
  '((#a = :a AND #b = :b))',
])('an expression of another shape stays as it is: %s', (expression) => {
  expect(withoutIdleBrackets(expression)).toBe(expression);
});

test('only the filter of a request is changed', () => {
  const request = {
    TableName: 't',
    FilterExpression: collection,
    ExpressionAttributeValues: { ':e1': { S: collection } },
  };

  const simplified: unknown = JSON.parse(simplifyFilter(Buffer.from(JSON.stringify(request))).toString());

  expect(simplified).toEqual({ ...request, FilterExpression: withoutIdleBrackets(collection) });
});

test('a body without such a filter is handed on untouched', () => {
  const body = Buffer.from('{ "TableName": "t" }');
  expect(simplifyFilter(body)).toBe(body);
});
