#!/nowhere/python9 -u
print(7)
