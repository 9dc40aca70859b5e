import { expect, test } from 'vitest';
import { parseS3Operation } from './s3.ts';

test.each([
  ['PUT', '/media/events/1.json?x-id=PutObject', 'PutObject', true],
  ['PUT', '/media/events/1.json', 'PutObject', true],
  ['HEAD', '/media/a', 'HeadObject', true],
  ['GET', '/media?list-type=2&prefix=events%2F', 'ListObjectsV2', true],
  ['PUT', '/media/', 'CreateBucket', true],
  ['GET', '/', 'ListBuckets', true],
  ['PUT', '/media?policy', 'PUT ?policy', false],
  ['GET', '/media/a?tagging', 'GET ?tagging', false],
  ['PATCH', '/media/a', 'PATCH', false],
])('identifies %s %s as %s', (method, url, name, supported) => {
  expect(parseS3Operation(method, url)).toEqual({ name, supported });
});
