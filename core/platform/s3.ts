import { S3Client } from '@aws-sdk/client-s3';

export {
  DeleteObjectsCommand,
  GetObjectCommand,
  NoSuchKey,
  PutObjectCommand,
  paginateListObjectsV2,
} from '@aws-sdk/client-s3';
export { getSignedUrl } from '@aws-sdk/s3-request-presigner';

export const client = new S3Client({
  maxAttempts: 3,
  // Without throwOnRequestTimeout the SDK only logs a warning.
  requestHandler: { connectionTimeout: 1000, socketTimeout: 5000, requestTimeout: 5000, throwOnRequestTimeout: true },
});
