import { required } from '../platform/configuration.ts';
import { deleteUnder } from '../platform/objects.ts';

interface MessagePlace {
  readonly organizationId: string;
  readonly conversationId: string;
  readonly messageId: string;
}

/** Where a message's files lie in the media bucket: `organization/conversation/message/name`. */
export function mediaPrefix({ organizationId, conversationId, messageId }: MessagePlace): string {
  return `${[organizationId, conversationId, messageId].map(encodeURIComponent).join('/')}/`;
}

/** Removes the stored files of one message. */
export async function removeMedia(message: MessagePlace): Promise<void> {
  await deleteUnder(required('MEDIA_BUCKET', 'the name of the media bucket'), mediaPrefix(message));
}
