# cmake -DINPUT=FILE -DOUTPUT=FILE -P Embed.cmake: the bytes of a file as numbers
# for a C array. Not #embed, whose files ccache does not know of.
file(READ ${INPUT} bytes HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
string(REPEAT "0x..," 12 line)
string(REGEX REPLACE "(${line})" "\\1\n" bytes "${bytes}")
file(WRITE ${OUTPUT} "${bytes}\n")
