/* folder.h: a temporary folder and everything in it. */
#ifndef STRAIT_TOOLS_FOLDER_H
#define STRAIT_TOOLS_FOLDER_H

/* Remove it with all it holds; what cannot be removed stays. Links are not followed. */
void folder_remove(const char *path);

#endif
