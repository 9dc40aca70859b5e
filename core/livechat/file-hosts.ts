/** Where LiveChat's files are. Source: URLs of files in LiveChat's events. */
export const liveChatFileHosts: readonly string[] = ['cdn.livechat-files.com', 'cdn.files-text.com'];
