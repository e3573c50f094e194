INSERT INTO Members VALUES (4,'Ruben Okafor','Student',2023,'Law'),(5,'Hanne Vestergaard','Student',2021,'Physics'),(6,'Ilya Brandt','Lecturer',2015,'Law'),(7,'Noor Aziz','Guest',2023,NULL),(8,'Tamsin Reed','Student',2024,'Physics');
INSERT INTO Titles VALUES (4,'Old Maps of the North','Edda Lund',  'History',1922,310),(5,'Proofs for Friends','Marit Sole','Mathematics',2011,290),(6,'A Grammar of Light','Corin Hale','Physics',1944,225),(7,'Courts and Customs','Beatrix Oduya','Law',1945,188);
INSERT INTO Copies VALUES (4,4,'R02','fragile',180),(5,5,'M10','good',45),(6,6,'R03','good',60),(7,7,'L09','worn',30),(8,2,'L04','worn',28),(9,1,'A13','good',38);
INSERT INTO Loans VALUES (3,5,4,'2024-04-02','2024-04-23',NULL,2),(4,9,5,'2024-02-10','2024-03-02','2024-03-01',4),(5,7,6,'2024-01-15','2024-03-15','2024-03-10',0),(6,8,8,'2024-05-01','2024-05-22',NULL,1);
INSERT INTO Fines VALUES (3,3,12.0,0),(4,4,9.5,0),(5,4,6.0,0),(6,6,15.0,1);
INSERT INTO RoomBookings VALUES (3,'Oak',4,'2024-05-04',4,3),(4,'Elm',5,'2024-05-06',6,4),(5,'Ash',6,'2024-05-07',2,1),(6,'Oak',8,'2024-05-09',4.5,8);
